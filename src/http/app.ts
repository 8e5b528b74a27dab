import type { IncomingMessage } from 'node:http'
import fastify, { type FastifyInstance } from 'fastify'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import { RequestCounts } from '../observe/metrics/request-counts.ts'
import type { RecentEvents } from '../observe/recent/recent-events.ts'
import { requestId } from '../observe/request-id.ts'
import type { RequestLog } from '../observe/request-log.ts'
import { SignInLog } from '../observe/sign-in-log.ts'
import type { Tracing } from '../observe/tracing/tracing.ts'
import type { BufferedBytes } from './buffered-bytes.ts'
import { clientAddresses } from './client-address.ts'
import { errorHandler } from './error-handler.ts'
import { browserRoutes } from './routes/authorize.ts'
import { type FleetRouteParts, fleetScope } from './routes/fleet.ts'
import { homePage } from './routes/home.ts'
import { notFoundHandler } from './routes/not-found.ts'
import { hasPopup, popupRoutes } from './routes/popup.ts'
import { RegistrationOutcomes, registerRoute } from './routes/register.ts'
import { type ResourceParts, resourceScope, type ServedResource } from './routes/resource.ts'
import { revokeRoute } from './routes/revoke.ts'
import type { SignInEndpoints } from './routes/sign-in-endpoints.ts'
import { tokenRoute } from './routes/token.ts'
import { wellKnownRoutes } from './routes/well-known.ts'
import { whoamiRoute } from './routes/whoami.ts'
import { checkEveryRoute } from './steps/checks.ts'
import { type AddressLimits, limitAddresses } from './steps/rate-limit.ts'
import { refuseAmbiguous } from './steps/raw-request.ts'
import { boundBodies } from './steps/request-body.ts'
import { openRequestRecord, recordRequests } from './steps/request-record.ts'
import { withoutSchemas } from './without-schemas.ts'

/** What the app is made of; each part is made once, outside. */
export interface AppParts {
  readonly config: Config
  readonly log: Logger
  readonly requestLog: RequestLog
  readonly metrics: Metrics
  /** Absent: no traces are asked for. */
  readonly tracing?: Tracing | undefined
  /** For the status page. */
  readonly recent: RecentEvents
  readonly clock: Clock
  /** Shared by everything that takes requests. */
  readonly bodies: BufferedBytes
  readonly signIn: SignInEndpoints
  /** In the order of the configuration. */
  readonly resources: readonly ResourceParts[]
  /** Absent: none. */
  readonly fleet?: FleetRouteParts
}

/**
 * Builds the public side from a configuration: what every request meets, the table of checks, and
 * the routes. It does not listen (`listener.ts` does).
 *
 * The error handler comes first: a plugin keeps the one that was there when it was registered.
 */
export async function createApp(parts: AppParts): Promise<FastifyInstance> {
  const app = bareApp(parts)
  const outcomes = new RegistrationOutcomes(parts)
  const rateLimits = await limitAddresses(app, {
    limits: parts.config.limits,
    onRegistrationRefused: (answer, request) => outcomes.refused(answer, request),
  })
  checkEveryRoute(app, { config: parts.config, rateLimits })
  discardBodies(app)
  await addRoutes(app, { ...parts, outcomes, countCode: rateLimits.codes })
  await app.ready()
  return app
}

/** With what every request meets, whether there is a route for it or not. */
function bareApp(parts: AppParts): FastifyInstance {
  const { config, log, requestLog, bodies } = parts
  const addresses = clientAddresses(config.trusted_proxies)
  const onError = errorHandler(log, new URL(config.public_url).host)
  const open = openRequestRecord(addresses, parts.tracing)
  const app = fastify({
    logger: false, // one line for each request, written at its end, is ours
    trustProxy: false, // who asks is told by `client-address.ts`
    requestIdHeader: false,
    genReqId: (raw) => requestId(addresses.isTrustedPeer(raw) ? idOf(raw) : undefined),
    bodyLimit: config.limits.body_bytes,
    exposeHeadRoutes: false,
    schemaController: withoutSchemas,
    return503OnClosing: false, // a stop ends streams before it refuses anything
    frameworkErrors: (error, request, reply) => {
      open(request, reply, () => onError(error, request, reply))
    },
  })
  app.setErrorHandler(onError)
  app.setNotFoundHandler(notFoundHandler(config))
  recordRequests(app, { requestLog, counts: new RequestCounts(parts), open })
  app.addHook('onRequest', refuseAmbiguous)
  boundBodies(app, { bodies, limits: config.limits })
  return app
}

function idOf({ headers }: IncomingMessage): string | undefined {
  const id = headers['x-request-id']
  return typeof id === 'string' ? id : undefined
}

/** Outside resources no body means anything: it is neither parsed nor kept. */
function discardBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
}

async function addRoutes(
  app: FastifyInstance,
  parts: AppParts & {
    readonly outcomes: RegistrationOutcomes
    readonly countCode: AddressLimits['codes']
  },
): Promise<void> {
  const { config, log, resources, fleet, outcomes } = parts
  const served: readonly ServedResource[] = fleet ? [...resources, fleet] : resources
  const signIns = new SignInLog(parts)
  const { tokenEndpoints, revocationEndpoints, registrationEndpoints, broker } = parts.signIn
  homePage(app, config)
  wellKnownRoutes(app, config, served)
  if (config.sign_in.mode !== 'off') whoamiRoute(app, config, served)
  for (const endpoint of tokenEndpoints)
    await app.register(tokenRoute({ ...parts, signIns, endpoint }))
  await app.register(revokeRoute({ ...parts, signIns, endpoints: revocationEndpoints }))
  await app.register(registerRoute({ endpoints: registrationEndpoints, signIns, outcomes }))
  if (broker) {
    await app.register(browserRoutes({ broker, log, signIns }, config))
    if (hasPopup(config)) {
      await app.register(popupRoutes({ resources: broker.resources, log }, config))
    }
  }
  for (const resource of resources) await app.register(resourceScope(resource, config))
  if (fleet) await app.register(fleetScope(fleet, config))
}
