import { text } from '../../oauth/claims.ts'
import { UnusableTokens } from '../../oauth/error-answer.ts'
import { invalidGrant } from '../../oauth/errors.ts'
import type { SignInResource } from '../token/judge-tokens.ts'
import type { ExchangedTokens } from './exchange.ts'

/**
 * Tokens must come of the sign-in that was begun (OpenID Connect Core §3.1.3.7), and all of them be
 * one person's, where both name one in the same way (`oid`; `sub` differs by audience). Without the
 * scope `openid` there is no ID token, and PKCE alone says so.
 *
 * @throws ErrorAnswer `invalid_grant`
 */
export function checkNonce(
  { tokens: { idTokenClaims }, judged }: ExchangedTokens,
  nonce: string,
  { resource }: Pick<SignInResource, 'resource'>,
): void {
  if (idTokenClaims === undefined && !resource.request_scopes.includes('openid')) return
  if (idTokenClaims === undefined) {
    throw new UnusableTokens(
      'The identity provider gave no ID token, although request_scopes has openid: allow that scope to the client of identity_provider.client_id, or take it out of request_scopes.',
      'invalid_grant:no_id_token',
    )
  }
  if (idTokenClaims['nonce'] !== nonce) {
    throw invalidGrant(
      'The identity provider answered another sign-in than the one that was begun; sign in again.',
      'wrong_nonce',
    )
  }
  const [one, other] = [judged.principal.identity.oid, text(idTokenClaims, 'oid')]
  if (one === other || one === undefined || other === undefined) return
  throw invalidGrant(
    'The identity provider gave tokens of two people for one sign-in; sign in again.',
    'two_people',
  )
}
