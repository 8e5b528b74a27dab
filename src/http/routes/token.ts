import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../clock.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { LogRateLimit } from '../../observe/log-rate-limit.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Metrics } from '../../observe/metrics/metrics.ts'
import type { SignInLog } from '../../observe/sign-in-log.ts'
import type { SignInStep } from '../../observe/sign-in-step.ts'
import type { SignInTrail } from '../../sign-in/sign-in-trail.ts'
import { readTokenRequest, type TokenRequest } from '../../sign-in/token/token-request.ts'
import type { IssuedTokens } from '../../sign-in/token/token-response.ts'
import type { AddressLimits } from '../steps/rate-limit.ts'
import { formOf, takeForms } from './form-body.ts'

/** One token endpoint. */
export interface TokenEndpoint {
  readonly path: string
  /** @throws ErrorAnswer for every refusal */
  redeem(request: TokenRequest, trail: SignInTrail): Promise<IssuedTokens>
}

export interface TokenRouteParts {
  readonly endpoint: TokenEndpoint
  /** Rate limit of codes: @throws ErrorAnswer 429 */
  readonly countCode: AddressLimits['codes']
  readonly log: Logger
  readonly signIns: SignInLog
  readonly metrics: Pick<Metrics, 'tokenGrants'>
  readonly clock: Clock
}

/** A token endpoint over HTTP (RFC 6749 §3.2): who may ask from where, the form, the answer. */
export function tokenRoute(parts: TokenRouteParts) {
  const budget = new LogRateLimit(parts.clock, (left) => {
    parts.log.info(
      { kind: 'token', not_logged: left },
      'refused token requests were not all logged',
    )
  })
  return async (scope: FastifyInstance): Promise<void> => {
    takeForms(scope)
    scope.route({
      url: parts.endpoint.path,
      method: scope.supportedMethods,
      config: { endpoint: { name: 'token', path: parts.endpoint.path } },
      handler: (request, reply) => answer(request, reply, { ...parts, budget }),
    })
  }
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  {
    endpoint,
    countCode,
    metrics,
    signIns,
    budget,
  }: TokenRouteParts & {
    readonly budget: LogRateLimit
  },
): Promise<FastifyReply> {
  const { record } = request
  const trail: SignInTrail = {}
  let step: SignInStep = 'token'
  try {
    const asked = readTokenRequest(...formOf(request))
    if (asked.grant.type === 'refresh_token') step = 'refresh'
    else await countCode(request)
    const issued = await endpoint.redeem(asked, trail)
    const { identity, notice } = issued
    signIns.write(record, { step, ...trail }, { decision: 'allow', identity, ...notice })
    record.identity = issued.identity
    record.decision = 'allow'
    metrics.tokenGrants.inc({ outcome: 'ok' })
    return reply
      .headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(issued.answer))
  } catch (error) {
    signIns.writeError(record, { step, ...trail }, error)
    const outcome = error instanceof ErrorAnswer ? error.error : 'server_error'
    metrics.tokenGrants.inc({ outcome })
    // A client that holds a dead refresh token asks for hours (HolmesGPT: every ten seconds).
    if (outcome !== 'server_error') record.quiet = !budget.spend()
    throw error
  }
}
