import { answerTo } from '../access/answer.ts'
import { authenticateToken, type Principal, type ResourceAccess } from '../access/authenticate.ts'
import type { ResourceConfig } from '../config/config.ts'
import type { ProviderTokens } from '../issuer/provider-grants.ts'
import { temporarilyUnavailable, UnusableTokens } from './token-error.ts'

/** A resource that people can sign in for. */
export interface SignInResource {
  readonly resource: ResourceConfig
  readonly access: ResourceAccess
}

/** A token that one of the resources takes. */
export interface JudgedTokens {
  readonly resource: ResourceConfig
  readonly principal: Principal
  /** The exact text that goes upstream: access token, or ID token where the cluster is fed those. */
  readonly bearer: string
}

/**
 * Judges tokens of the identity provider like those that arrive at a resource, before they are handed
 * out.
 *
 * @param candidates the first that takes it counts
 * @param now milliseconds since the epoch
 * @throws ErrorAnswer 503 when nothing can be decided yet
 * @throws UnusableTokens with the words of the first candidate's refusal
 */
export async function judgeTokens(
  tokens: ProviderTokens,
  candidates: readonly SignInResource[],
  now: () => number,
): Promise<JudgedTokens> {
  let first: ReturnType<typeof answerTo> | undefined
  let reason = ''
  for (const { resource, access } of candidates) {
    const bearer = resource.token_kind === 'id_token' ? tokens.idToken : tokens.accessToken
    const verdict = await authenticateToken(bearer ?? '', access, now)
    if (verdict.kind === 'principal')
      return { resource, principal: verdict.principal, bearer: bearer ?? '' }
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
  throw new UnusableTokens(
    `The identity provider issued a token that is not for this server: ${first?.description ?? ''}`,
    `invalid_grant:${reason}`,
  )
}
