import type { Config, ProtectedResource } from '../../config/config.ts'
import { providerProof, type Transaction } from '../transaction/transaction.ts'

/**
 * The address of the identity provider's sign-in page for a transaction (OpenID Connect Core
 * §3.1.2.1): scope, state, nonce and PKCE are ours, whatever the client sent; `resource` stays here.
 *
 * @param endpoint the provider's authorization endpoint; a query of its own is kept
 */
export function providerAddress(
  endpoint: string,
  transaction: Transaction,
  asking: {
    readonly provider: Config['identity_provider']
    readonly resource: Pick<ProtectedResource, 'request_scopes'>
    readonly redirectUri: string
    readonly takesClaims: boolean
  },
): string {
  const { provider, resource, redirectUri, takesClaims } = asking
  const { nonce, codeChallenge } = providerProof(transaction.secret)
  const { claims } = transaction
  const url = new URL(endpoint)
  const parameters = {
    ...(transaction.prompt !== undefined && { prompt: transaction.prompt }),
    ...provider.authorize_parameters,
    response_type: 'code',
    client_id: provider.client_id ?? '',
    redirect_uri: redirectUri,
    scope: resource.request_scopes.join(' '),
    state: transaction.id,
    // Of OpenID Connect alone: providers refuse it in a request that is not one.
    ...(resource.request_scopes.includes('openid') && { nonce }),
    ...(claims !== undefined && takesClaims && { claims }),
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}
