import {
  authenticateToken,
  type Principal,
  type ResourceAccess,
} from '../../access/authenticate.ts'
import type { Refusal } from '../../access/refusal.ts'
import { refusalResponse } from '../../access/refusal-response.ts'
import type { TokenContext } from '../../access/token-opener.ts'
import type { ProtectedResource } from '../../config/config.ts'
import type { ProviderTokens } from '../../issuer/token-endpoint/provider-grants.ts'
import { UnusableTokens } from '../../oauth/error-answer.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'

/** A resource that users can sign in for. */
export interface SignInResource {
  readonly resource: ProtectedResource
  readonly access: ResourceAccess
}

/** A token that one of the resources takes. */
export interface JudgedTokens {
  readonly resource: ProtectedResource
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
 * @param context what is known of them beside what they say
 * @throws ErrorAnswer 503 when nothing can be decided yet
 * @throws UnusableTokens with the words of the first candidate's refusal
 */
export async function judgeTokens(
  tokens: ProviderTokens,
  candidates: readonly SignInResource[],
  now: () => number,
  context: TokenContext = {},
): Promise<JudgedTokens> {
  let first: UnusableTokens | undefined
  for (const { resource, access } of candidates) {
    const bearer = resource.token_kind === 'id_token' ? tokens.idToken : tokens.accessToken
    if (bearer === undefined) {
      first ??= noIdToken()
      continue
    }
    const verdict = await authenticateToken(bearer, access, now, { context })
    if (verdict.kind === 'principal') return { resource, principal: verdict.principal, bearer }
    first ??= unusable(verdict.refusal)
  }
  throw first ?? new Error('no resource was signed in for')
}

/** @throws ErrorAnswer 503 when it is not decided that the token cannot be used */
function unusable(refusal: Refusal): UnusableTokens {
  const { reason } = refusal
  const { description, retryAfter } = refusalResponse(refusal)
  if (retryAfter !== undefined) throw temporarilyUnavailable(description, { retryAfter, reason })
  const words =
    remedies[reason] ??
    `The identity provider issued a token that is not for this server: ${description}`
  return new UnusableTokens(words, `invalid_grant:${reason}`)
}

/** What the operator can do about tokens as the provider issues them. */
const remedies: Partial<Readonly<Record<Refusal['reason'], string>>> = {
  not_a_jwt:
    'The identity provider issued an opaque token, which nobody but itself can check: let it issue JWT access tokens to this client, which some do for an audience or resource in identity_provider.authorize_parameters.',
  id_token:
    'The identity provider issued a token that is not for this server: its access token looks like an ID token. For an OIDC provider that marks both alike, as Dex does, set token_kind = "id_token" for this resource.',
}

function noIdToken(): UnusableTokens {
  return new UnusableTokens(
    'The identity provider gave no ID token, and token_kind is id_token: request_scopes must have openid, and the provider must give a new ID token at each refresh.',
    'invalid_grant:no_id_token',
  )
}
