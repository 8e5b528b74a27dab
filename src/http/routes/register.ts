import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { LogRateLimit } from '../../observe/log-rate-limit.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Metrics } from '../../observe/metrics.ts'
import type { RegistrationAnswer } from '../../sign-in/clients/registration.ts'
import { originHook } from '../steps/cors.ts'
import { oneAuthorization, oneOfEachParameter } from '../steps/duplicates.ts'
import { exactPathHook, methodHook } from '../steps/exact-path.ts'
import { hostHook } from '../steps/host.ts'
import { tokenInQuery } from '../steps/token-in-query.ts'
import { signInOrigins } from './sign-in-origins.ts'

/** Where clients register with one authorization server of ours. */
export interface RegistrationEndpoint {
  readonly path: string
  /** @throws ErrorAnswer for every refusal */
  register(body: string): RegistrationAnswer
}

export interface RegisterRouteParts {
  readonly endpoints: readonly RegistrationEndpoint[]
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'registrations'>
  readonly clock: Clock
}

const METHODS = ['POST', 'OPTIONS']
/** What a client says about itself is a few hundred bytes. */
const BODY_BYTES = 16_384
const MINUTE = 60_000

/**
 * Client registration over HTTP (RFC 7591 §3): who may ask from where and how often, the body, the
 * answer. What one address may do counts for all endpoints together, in this process, until the
 * configuration is read again; an IPv6 address counts as its /64.
 */
export function registerRoute({ endpoints, ...parts }: RegisterRouteParts, config: Config) {
  const budget = new LogRateLimit(parts.clock, (left) => {
    parts.log.info(
      { kind: 'registration', not_logged: left },
      'refused registrations were not all logged',
    )
  })
  const around = { ...parts, budget }
  return async (scope: FastifyInstance): Promise<void> => {
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'string', bodyLimit: BODY_BYTES },
      (_request, body, done) => done(null, body),
    )
    scope.addHook('onRequest', hostHook(config))
    scope.addHook('onRequest', originHook(signInOrigins(config), METHODS.join(', ')))
    scope.addHook('onRequest', methodHook(METHODS))
    scope.addHook('onRequest', tokenInQuery)
    scope.addHook('onRequest', oneOfEachParameter)
    scope.addHook('onRequest', oneAuthorization)
    await scope.register(rateLimit, limitOf(config, around))
    for (const { path, register } of endpoints) {
      scope.route({
        url: path,
        method: scope.supportedMethods,
        onRequest: exactPathHook(path, config),
        handler: (request, reply) => answer(request, reply, { register, ...around }),
      })
    }
  }
}

type Around = Pick<RegisterRouteParts, 'metrics'> & { readonly budget: LogRateLimit }

/** The last hook of a route: what was refused before costs nothing and counts for nothing. */
function limitOf({ limits: { registrations_per_minute: most } }: Config, around: Around) {
  return {
    max: most,
    timeWindow: MINUTE,
    addHeadersOnExceeding: silent,
    addHeaders: silent,
    errorResponseBuilder(request: FastifyRequest, { ttl }: { readonly ttl: number }) {
      const seconds = Math.max(1, Math.ceil(ttl / 1000))
      const answer = new ErrorAnswer({
        status: 429,
        error: 'too_many_requests',
        description: `More than ${most} registrations in a minute came from this address (limits.registrations_per_minute); try again in ${seconds} seconds.`,
        headers: { 'retry-after': String(seconds) },
      })
      refused(answer, request, around)
      return answer
    },
  }
}

const silent = {
  'x-ratelimit-limit': false,
  'x-ratelimit-remaining': false,
  'x-ratelimit-reset': false,
  'retry-after': false,
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  { register, ...around }: Around & Pick<RegistrationEndpoint, 'register'>,
): FastifyReply {
  try {
    const registered = register(bodyOf(request))
    request.record.decision = 'allow'
    around.metrics.registrations.inc({ outcome: 'ok' })
    return reply
      .code(201)
      .headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(registered))
  } catch (error) {
    refused(error, request, around)
    throw error
  }
}

/** A client that cannot register tries again and again. */
function refused(error: unknown, { record }: FastifyRequest, { metrics, budget }: Around): void {
  const outcome = error instanceof ErrorAnswer ? error.error : 'server_error'
  metrics.registrations.inc({ outcome })
  if (outcome !== 'server_error') record.quiet = !budget.spend()
}

function bodyOf({ body }: FastifyRequest): string {
  if (typeof body === 'string') return body
  throw new ErrorAnswer({
    status: 415,
    error: 'unsupported_media_type',
    description: 'A registration is a JSON object: Content-Type application/json.',
  })
}
