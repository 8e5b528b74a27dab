import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../clock.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { LogRateLimit } from '../../observe/log-rate-limit.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Metrics } from '../../observe/metrics/metrics.ts'
import type { SignInLog } from '../../observe/sign-in-log.ts'
import type { RegistrationAnswer } from '../../sign-in/clients/registration.ts'

/** Where clients register with one authorization server of ours. */
export interface RegistrationEndpoint {
  readonly path: string
  /** @throws ErrorAnswer for every refusal */
  register(body: string): RegistrationAnswer
}

export interface RegisterRouteParts {
  readonly endpoints: readonly RegistrationEndpoint[]
  readonly outcomes: RegistrationOutcomes
  readonly signIns: SignInLog
}

/** What a client says about itself is a few hundred bytes. */
const BODY_BYTES = 16_384

/** Client registration over HTTP (RFC 7591 §3): the body and the answer. */
export function registerRoute({ endpoints, ...parts }: RegisterRouteParts) {
  return async (scope: FastifyInstance): Promise<void> => {
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'string', bodyLimit: BODY_BYTES },
      (_request, body, done) => done(null, body),
    )
    for (const endpoint of endpoints) {
      scope.route({
        url: endpoint.path,
        method: scope.supportedMethods,
        config: { endpoint: { name: 'register', path: endpoint.path } },
        handler: (request, reply) => answer(request, reply, { ...parts, endpoint }),
      })
    }
  }
}

/** Counts what became of registrations, and keeps the log quiet of the refused. */
export class RegistrationOutcomes {
  readonly #registrations: Metrics['registrations']
  readonly #budget: LogRateLimit

  constructor(parts: {
    readonly log: Logger
    readonly metrics: Pick<Metrics, 'registrations'>
    readonly clock: Clock
  }) {
    this.#registrations = parts.metrics.registrations
    this.#budget = new LogRateLimit(parts.clock, (left) => {
      parts.log.info(
        { kind: 'registration', not_logged: left },
        'refused registrations were not all logged',
      )
    })
  }

  registered(): void {
    this.#registrations.inc({ outcome: 'ok' })
  }

  /** A client that cannot register tries again and again. */
  refused(error: unknown, { record }: FastifyRequest): void {
    const outcome = error instanceof ErrorAnswer ? error.error : 'server_error'
    this.#registrations.inc({ outcome })
    if (outcome !== 'server_error') record.quiet = !this.#budget.spend()
  }
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    endpoint,
    outcomes,
    signIns,
  }: Omit<RegisterRouteParts, 'endpoints'> & { readonly endpoint: RegistrationEndpoint },
): FastifyReply {
  try {
    const registered = endpoint.register(bodyOf(request))
    const client = { id: registered.client_id, name: registered.client_name }
    signIns.write(request.record, { step: 'register', client }, { decision: 'allow' })
    request.record.decision = 'allow'
    outcomes.registered()
    return reply
      .code(201)
      .headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(registered))
  } catch (error) {
    signIns.writeError(request.record, { step: 'register' }, error)
    outcomes.refused(error, request)
    throw error
  }
}

function bodyOf({ body }: FastifyRequest): string {
  if (typeof body === 'string') return body
  throw new ErrorAnswer({
    status: 415,
    error: 'unsupported_media_type',
    description: 'A registration is a JSON object: Content-Type application/json.',
  })
}
