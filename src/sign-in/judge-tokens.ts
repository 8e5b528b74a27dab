import { answerTo } from '../access/answer.ts'
import { authenticateToken, type Principal, type ResourceAccess } from '../access/authenticate.ts'
import type { ResourceConfig } from '../config/config.ts'
import { invalidGrant, temporarilyUnavailable } from './token-error.ts'

/** A resource that people can sign in for. */
export interface SignInResource {
  readonly resource: ResourceConfig
  readonly access: ResourceAccess
}

/** A token that one of the resources takes. */
export interface JudgedTokens {
  readonly resource: ResourceConfig
  readonly principal: Principal
}

/**
 * Judges an access token of the identity provider like one that arrives at a resource, before it is
 * handed out.
 *
 * @param candidates the first that takes it counts
 * @param now milliseconds since the epoch
 * @throws ErrorAnswer 503 when nothing can be decided yet, else `invalid_grant` with the words of
 *   the first candidate's refusal
 */
export async function judgeTokens(
  accessToken: string,
  candidates: readonly SignInResource[],
  now: () => number,
): Promise<JudgedTokens> {
  let first: ReturnType<typeof answerTo> | undefined
  let reason = ''
  for (const { resource, access } of candidates) {
    const verdict = await authenticateToken(accessToken, access, now)
    if (verdict.kind === 'principal') return { resource, principal: verdict.principal }
    const answer = answerTo(verdict.refusal)
    if (answer.retryAfter !== undefined) {
      const { retryAfter } = answer
      throw temporarilyUnavailable(answer.description, {
        retryAfter,
        reason: verdict.refusal.reason,
      })
    }
    if (first === undefined) reason = verdict.refusal.reason
    first ??= answer
  }
  throw invalidGrant(
    `The identity provider issued a token that is not for this server: ${first?.description ?? ''}`,
    `invalid_grant:${reason}`,
  )
}
