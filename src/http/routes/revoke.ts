import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../clock.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { LogRateLimit } from '../../observe/log-rate-limit.ts'
import type { Logger } from '../../observe/logger.ts'
import type { SignInLog } from '../../observe/sign-in-log.ts'
import type { SignInTrail } from '../../sign-in/sign-in-trail.ts'
import { type RevocationRequest, readRevocationRequest } from '../../sign-in/token/revocation.ts'
import { formOf, takeForms } from './form-body.ts'

/** Where clients of one authorization server of ours end their sessions. */
export interface RevocationEndpoint {
  readonly path: string
  /** @throws ErrorAnswer for every refusal */
  revoke(request: RevocationRequest, trail: SignInTrail): Promise<void>
}

export interface RevokeRouteParts {
  readonly endpoints: readonly RevocationEndpoint[]
  readonly log: Logger
  readonly signIns: SignInLog
  readonly clock: Clock
}

/** Token revocation over HTTP (RFC 7009 §2): who may ask from where, the form, the answer. */
export function revokeRoute({ endpoints, log, signIns, clock }: RevokeRouteParts) {
  const budget = new LogRateLimit(clock, (left) => {
    log.info({ kind: 'revocation', not_logged: left }, 'refused revocations were not all logged')
  })
  return async (scope: FastifyInstance): Promise<void> => {
    takeForms(scope)
    for (const endpoint of endpoints) {
      scope.route({
        url: endpoint.path,
        method: scope.supportedMethods,
        config: { endpoint: { name: 'revoke', path: endpoint.path } },
        handler: (request, reply) => answer(request, reply, { endpoint, signIns, budget }),
      })
    }
  }
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    endpoint,
    signIns,
    budget,
  }: {
    readonly endpoint: RevocationEndpoint
    readonly signIns: SignInLog
    readonly budget: LogRateLimit
  },
): Promise<FastifyReply> {
  const { record } = request
  const trail: SignInTrail = {}
  try {
    await endpoint.revoke(readRevocationRequest(...formOf(request)), trail)
    signIns.write(record, { step: 'revoke', ...trail }, { decision: 'allow' })
    record.decision = 'allow'
    return reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send()
  } catch (error) {
    signIns.writeError(record, { step: 'revoke', ...trail }, error)
    if (error instanceof ErrorAnswer) record.quiet = !budget.spend()
    throw error
  }
}
