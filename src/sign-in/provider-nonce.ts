import type { ProviderTokens } from '../issuer/provider-grants.ts'
import type { SignInResource } from './judge-tokens.ts'
import { invalidGrant } from './token-error.ts'

/**
 * Tokens must come of the sign-in that was begun (OpenID Connect Core §3.1.3.7). Without the scope
 * `openid` there is no ID token, and PKCE alone says so.
 *
 * @throws ErrorAnswer `invalid_grant`
 */
export function checkNonce(
  { idTokenClaims }: ProviderTokens,
  nonce: string,
  { resource }: Pick<SignInResource, 'resource'>,
): void {
  if (idTokenClaims === undefined && !resource.request_scopes.includes('openid')) return
  if (idTokenClaims?.['nonce'] === nonce) return
  throw invalidGrant(
    'The identity provider answered another sign-in than the one that was begun; sign in again.',
    'wrong_nonce',
  )
}
