import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../config/config.ts'
import type { Logger } from '../../observe/logger.ts'
import { type PopupParts, readPopupVisit } from '../../sign-in/authorize/popup.ts'
import { popupUrl } from '../../sign-in/clients/popup-client.ts'
import { pageHeaders } from '../pages/page-headers.ts'
import { renderPopup } from '../pages/popup-page.ts'
import { ENDING, POPUP_MODULE } from '../popup/popup-files.ts'
import { queryOf } from '../steps/raw-request.ts'
import { pageErrorHandler } from './authorize.ts'

export interface PopupRoutesParts {
  readonly resources: PopupParts['resources']
  readonly log: Logger
}

type PopupConfig = Config & PopupParts['config']

/** Whether a configuration has popups at all. */
export function hasPopup(config: Config): config is PopupConfig {
  return config.sign_in.mode === 'broker' && config.sign_in.popup_origins.length > 0
}

/** The popup for web UIs: the module that they load, and the window that it opens. */
export function popupRoutes({ resources, log }: PopupRoutesParts, config: PopupConfig) {
  const path = new URL(popupUrl(config.public_url)).pathname
  const site = new URL(config.public_url).host
  return async (scope: FastifyInstance): Promise<void> => {
    scope.route({
      url: path,
      method: scope.supportedMethods,
      errorHandler: pageErrorHandler(log, site),
      config: { endpoint: { name: 'popup', path } },
      handler: (request, reply) => visit(request, reply, { config, resources, site }),
    })
    scope.route({
      url: `${path}.js`,
      method: scope.supportedMethods,
      config: { endpoint: { name: 'popupModule', path: `${path}.js` } },
      handler: sendModule,
    })
  }
}

function visit(
  request: FastifyRequest,
  reply: FastifyReply,
  { site, ...parts }: PopupParts & { readonly site: string },
): FastifyReply {
  const read = readPopupVisit(queryOf(request), parts)
  request.record.decision = 'allow'
  request.record.reason = `popup_${read.kind}`
  if (read.kind === 'start') {
    const headers = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }
    return reply.code(303).headers(headers).header('location', read.location).send()
  }
  return reply
    .headers(pageHeaders({ form: false, scripts: [ENDING.source] }))
    .type('text/html; charset=utf-8')
    .send(renderPopup({ ...read, site }))
}

function sendModule(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  request.record.decision = 'allow'
  return reply
    .headers({
      'cache-control': 'public, max-age=300',
      // A page that lets in only what says so (COEP) loads it too.
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
    })
    .type('text/javascript; charset=utf-8')
    .send(POPUP_MODULE)
}
