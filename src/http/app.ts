import { BlockList, isIPv4 } from 'node:net'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics.ts'
import { writeRecord } from '../observe/record.ts'
import { requestId } from '../observe/request-id.ts'
import { errorHandler } from './error-handler.ts'
import { browserRoutes } from './routes/authorize.ts'
import { homePage } from './routes/home.ts'
import { hasPopup, popupRoutes } from './routes/popup.ts'
import { registerRoute } from './routes/register.ts'
import { type ResourceParts, resourceScope } from './routes/resource.ts'
import { revokeRoute } from './routes/revoke.ts'
import type { SignInEndpoints } from './routes/sign-in-endpoints.ts'
import { tokenRoute } from './routes/token.ts'
import { wellKnownRoutes } from './routes/well-known.ts'
import { whoamiRoute } from './routes/whoami.ts'
import { notFoundHandler } from './steps/exact-path.ts'
import { open, refuseAmbiguous } from './steps/raw-request.ts'

/** What the app is made of; each part is made once, outside. */
export interface AppParts {
  readonly config: Config
  readonly log: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  readonly signIn: SignInEndpoints
  /** In the order of the configuration. */
  readonly resources: readonly ResourceParts[]
}

/**
 * Builds the public side from a configuration: the hooks of every request, the open documents, and
 * one guarded scope for each resource. It does not listen (`listener.ts` does).
 *
 * The error handler comes first: a plugin keeps the one that was there when it was registered.
 */
export async function createApp(parts: AppParts): Promise<FastifyInstance> {
  const { config, log } = parts
  const trusted = trustedPeers(config.trusted_proxies)
  const app = fastify({
    logger: false, // one line for each request, written at its end, is ours
    trustProxy: config.trusted_proxies.length === 0 ? false : [...config.trusted_proxies],
    requestIdHeader: false,
    genReqId: (raw) => requestId(trusted(raw.socket.remoteAddress) ? idOf(raw.headers) : undefined),
    bodyLimit: config.limits.body_bytes,
    exposeHeadRoutes: false,
    return503OnClosing: false, // a stop ends streams before it refuses anything
    frameworkErrors: (error, request, reply) => {
      open(request, reply, () => errorHandler(log)(error, request, reply))
    },
  })
  app.setErrorHandler(errorHandler(log))
  app.setNotFoundHandler(notFoundHandler(config))
  app.decorateRequest('record')
  app.addHook('onRequest', open)
  app.addHook('onRequest', (request, reply, done) => {
    reply.raw.once('close', () => close(request, reply.raw, parts))
    done()
  })
  app.addHook('onRequest', refuseAmbiguous)

  discardBodies(app)
  homePage(app, config)
  wellKnownRoutes(app, config, parts.resources)
  if (config.sign_in.mode !== 'off') whoamiRoute(app, config, parts.resources)
  for (const endpoint of parts.signIn.tokenEndpoints) {
    await app.register(tokenRoute({ ...parts, endpoint }, config))
  }
  const { revocationEndpoints: revocations } = parts.signIn
  await app.register(revokeRoute({ ...parts, endpoints: revocations }, config))
  const { registrationEndpoints: endpoints } = parts.signIn
  if (endpoints.length > 0) await app.register(registerRoute({ ...parts, endpoints }, config))
  const { broker } = parts.signIn
  if (broker) {
    await app.register(browserRoutes({ broker, log }, config))
    const { resources } = broker
    if (hasPopup(config)) await app.register(popupRoutes({ resources, log }, config))
  }
  for (const resource of parts.resources) {
    await app.register(resourceScope(resource, config))
  }
  await app.ready()
  return app
}

/** Outside resources no body means anything: it is neither parsed nor kept. */
function discardBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
}

/** Once, however the response ended: writes the lines and counts. */
function close(
  request: FastifyRequest,
  response: { readonly headersSent: boolean; readonly statusCode: number },
  parts: Pick<AppParts, 'log' | 'metrics'>,
): void {
  const { record } = request
  const status = response.headersSent ? response.statusCode : 499
  writeRecord(parts.log, record, status)
  if (record.resource === undefined) return
  const { resource, decision, reason = '' } = record
  parts.metrics.requests.inc({ resource, decision, reason, status: String(status) })
  if (record.http_method === 'POST') {
    parts.metrics.duration.observe({ resource }, (performance.now() - record.began) / 1000)
  }
}

function idOf(headers: { readonly [name: string]: string | string[] | undefined }) {
  const id = headers['x-request-id']
  return typeof id === 'string' ? id : undefined
}

function trustedPeers(cidrs: readonly string[]): (address: string | undefined) => boolean {
  if (cidrs.length === 0) return () => false
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [network = '', prefix] = cidr.split('/')
    const family = isIPv4(network) ? 'ipv4' : 'ipv6'
    if (prefix === undefined) list.addAddress(network, family)
    else list.addSubnet(network, Number(prefix), family)
  }
  return (address) => {
    if (address === undefined) return false
    const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
    return list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
  }
}
