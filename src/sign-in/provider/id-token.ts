import type { ProtectedResource } from '../../config/config.ts'
import type { IdTokenVerdict, ReceivedIdToken } from '../../issuer/id-token.ts'
import type { ProviderTokens } from '../../issuer/token-endpoint/provider-grants.ts'
import { text } from '../../oauth/claims.ts'
import { UnusableTokens } from '../../oauth/error-answer.ts'
import { invalidGrant, temporarilyUnavailable } from '../../oauth/errors.ts'
import type { JudgedTokens } from '../token/judge-tokens.ts'

/** What is known of the ID token that should come with tokens. */
export interface ExpectedIdToken {
  /** Whether there must be one: the sign-in was an OpenID Connect one (scope `openid`). */
  readonly required: boolean
  /** That of our authorize request; absent where none of ours was sent, and at a refresh. */
  readonly nonce?: string
}

/** What a sign-in of ours expects, which asked for the scopes of a resource. */
export function expectedIdToken(
  { request_scopes: scopes }: Pick<ProtectedResource, 'request_scopes'>,
  nonce: string,
): ExpectedIdToken {
  return scopes.includes('openid') ? { required: true, nonce } : { required: false }
}

/** Judges an ID token (OpenID Connect Core §3.1.3.7). */
export type VerifyIdToken = (received: ReceivedIdToken) => Promise<IdTokenVerdict>

/**
 * Tokens must come of the sign-in that was begun, and of the provider: an ID token that is there is
 * verified, its signature too (what stands between may have changed the answer), and names the user
 * whom the access token names, where both do it in the same way (`oid`; `sub` differs by audience).
 * Without the scope `openid` there is none, and PKCE alone ties the tokens to the sign-in.
 *
 * @throws UnusableTokens with the operator's remedy: the grant is spent, and asking again brings nothing
 * @throws ErrorAnswer `invalid_grant` for tokens of another sign-in; 503 while nothing can be decided
 */
export async function judgeIdToken(
  { idToken, accessToken }: ProviderTokens,
  { principal }: JudgedTokens,
  { required, nonce, verify }: ExpectedIdToken & { readonly verify: VerifyIdToken },
): Promise<void> {
  if (idToken === undefined) {
    if (required) throw noIdToken()
    return
  }
  const verdict = await verify({ idToken, accessToken, ...(nonce !== undefined && { nonce }) })
  if (verdict.kind === 'unavailable') {
    const { retryAfter } = verdict
    throw temporarilyUnavailable(
      'The key of the ID token is not known at the moment; retry in a few seconds.',
      { retryAfter, reason: 'id_token_key' },
    )
  }
  if (verdict.kind === 'invalid') {
    if (verdict.flaw === 'nonce') throw anotherSignIn()
    throw new UnusableTokens(verdict.description, `invalid_grant:id_token_${verdict.flaw}`)
  }
  const [one, other] = [principal.identity.oid, text(verdict.claims, 'oid')]
  if (one === other || one === undefined || other === undefined) return
  throw invalidGrant(
    'The identity provider gave tokens of two people for one sign-in; sign in again.',
    'two_people',
  )
}

/** Code injection: the code of another sign-in, in the browser of this one. */
function anotherSignIn(): Error {
  return invalidGrant(
    'The identity provider answered another sign-in than the one that was begun; sign in again.',
    'wrong_nonce',
  )
}

function noIdToken(): UnusableTokens {
  return new UnusableTokens(
    'The identity provider gave no ID token, although request_scopes has openid: allow that scope to the client of identity_provider.client_id, or take it out of request_scopes.',
    'invalid_grant:no_id_token',
  )
}
