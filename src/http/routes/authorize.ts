import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../config/config.ts'
import { ErrorAnswer, ExplainedAnswer } from '../../oauth/error-answer.ts'
import { invalidRequest } from '../../oauth/errors.ts'
import { type OAuthParameters, readParameters } from '../../oauth/parameters.ts'
import type { Logger } from '../../observe/logger.ts'
import type { SignInLog } from '../../observe/sign-in-log.ts'
import type { SignInStep } from '../../observe/sign-in-step.ts'
import type { BrowserAnswer } from '../../sign-in/authorize/browser-answer.ts'
import type { Broker } from '../../sign-in/broker.ts'
import type { SignInTrail } from '../../sign-in/sign-in-trail.ts'
import { answerOf, errorHandler } from '../error-handler.ts'
import type { BrowserPage } from '../pages/pages.ts'
import { sendPage } from '../pages/send-page.ts'
import { isByUser, isFromOwnPage } from '../steps/fetch-metadata.ts'
import { queryOf } from '../steps/raw-request.ts'
import { type CookieJar, cookieJar } from './cookies.ts'

/** The answer to a question may have the code of the identity provider in it. */
const FORM_BYTES = 16_384
const CALLBACK = '/oauth/callback'

export interface BrowserRoutesParts {
  readonly broker: Broker
  readonly log: Logger
  readonly signIns: SignInLog
}

/** Authorize and callback: what a user's browser visits. Answers are redirects and pages. */
export function browserRoutes(
  { broker, log, signIns }: BrowserRoutesParts,
  { public_url: publicUrl }: Pick<Config, 'public_url'>,
) {
  const browser = { jar: cookieJar(publicUrl), site: new URL(publicUrl).host, publicUrl, signIns }
  return async (scope: FastifyInstance): Promise<void> => {
    scope.setErrorHandler(pageErrorHandler(log, browser.site))
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: FORM_BYTES },
      (_request, body, done) => done(null, body),
    )
    for (const [index, { authorizeUrl }] of broker.resources.entries()) {
      const path = new URL(authorizeUrl).pathname
      scope.route({
        url: path,
        method: scope.supportedMethods,
        config: { endpoint: { name: 'authorize', path } },
        handler: (request, reply) =>
          answer(request, reply, { ...browser, step: stepOf(request) }, (visit) =>
            request.method === 'POST'
              ? broker.decide(formOf(request), { ...visit, index })
              : broker.beginSignIn(queryOf(request), { ...visit, index }),
          ),
      })
    }
    scope.route({
      url: CALLBACK,
      method: scope.supportedMethods,
      config: { endpoint: { name: 'callback', path: CALLBACK } },
      handler: (request, reply) =>
        answer(request, reply, { ...browser, step: 'callback' }, ({ cookies, trail }) =>
          broker.callback(queryOf(request), cookies, trail),
        ),
    })
  }
}

interface BrowserVisit {
  readonly cookies: ReturnType<CookieJar['read']>
  readonly byUser: boolean
  readonly fromOwnPage: boolean
  readonly trail: SignInTrail
}

interface BrowserSide {
  readonly jar: CookieJar
  /** Our own host. */
  readonly site: string
  readonly publicUrl: string
  readonly signIns: SignInLog
  readonly step: SignInStep
}

function stepOf({ method }: FastifyRequest): SignInStep {
  return method === 'POST' ? 'decide' : 'authorize'
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { jar, site, publicUrl, signIns, step }: BrowserSide,
  ask: (visit: BrowserVisit) => Promise<BrowserAnswer>,
): Promise<FastifyReply> {
  const cookies = jar.read(request.headers.cookie)
  const { record } = request
  const trail: SignInTrail = {}
  const visit: BrowserVisit = {
    cookies,
    byUser: isByUser(request.headers),
    fromOwnPage: isFromOwnPage(request.headers, { public_url: publicUrl }),
    trail,
  }
  const given = await ask(visit).catch((error: unknown) => {
    signIns.writeError(record, { step, ...trail }, error)
    throw error
  })
  signIns.write(record, { step, ...trail }, given.log)
  record.decision = given.log.decision
  record.reason = given.log.reason
  for (const line of jar.write(given.cookies, cookies)) reply.header('set-cookie', line)
  if (given.kind === 'redirect') {
    const headers = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }
    return reply.code(303).headers(headers).header('location', given.location).send()
  }
  return sendPage(reply, given.page, { status: given.status, site, requestId: request.id })
}

/** Where a browser is shown pages, errors are pages too; what is not there is none of them. */
export function pageErrorHandler(log: Logger, site: string) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    if (error instanceof ErrorAnswer && error.error === 'not_found') {
      errorHandler(log, site)(error, request, reply)
      return
    }
    const answer = answerOf(error, request, log)
    reply.headers(answer.headers)
    sendPage(reply, pageOf(answer), { status: answer.status, site, requestId: request.id })
  }
}

function pageOf(answer: ErrorAnswer): BrowserPage {
  return answer instanceof ExplainedAnswer
    ? { kind: 'error', explanation: answer.explanation }
    : { kind: 'refused', error: answer.error, description: answer.message }
}

function formOf(request: FastifyRequest): OAuthParameters {
  if (typeof request.body !== 'string') {
    throw invalidRequest('The answer is a form: application/x-www-form-urlencoded.')
  }
  return readParameters(request.body, { from: 'form' })
}
