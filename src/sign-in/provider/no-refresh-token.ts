import type { Config, ProtectedResource } from '../../config/config.ts'

/** A sign-in that brought no refresh token. */
export interface SignInWithoutRefresh {
  /** As discovered. */
  readonly issuer: string
  readonly resource: Pick<ProtectedResource, 'name' | 'request_scopes'>
  readonly mode: Config['sign_in']['mode']
}

const GOOGLE = /^https:\/\/accounts\.google\.com\/?$/

/**
 * What makes the identity provider give refresh tokens, where it gave none: it differs from provider to
 * provider, and what one demands another refuses.
 *
 * @returns for the operator; names the setting or the place
 */
export function refreshTokenRemedy({ issuer, resource, mode }: SignInWithoutRefresh): string {
  // Google knows no scope offline_access, and refuses it.
  if (GOOGLE.test(issuer)) {
    return mode === 'relay'
      ? 'let the client ask Google with access_type=offline and prompt=consent; or use sign_in.mode = "broker" with identity_provider.authorize_parameters = { access_type = "offline", prompt = "consent" }.'
      : 'set identity_provider.authorize_parameters = { access_type = "offline", prompt = "consent" }, and leave offline_access out of request_scopes.'
  }
  if (!resource.request_scopes.includes('offline_access')) {
    return `add "offline_access" to request_scopes of resource ${resource.name}.`
  }
  if (mode === 'relay') {
    return 'let the client ask for the scope offline_access too, as scopes_supported says, and allow refresh tokens to the client of identity_provider.client_id.'
  }
  return 'allow refresh tokens (offline access) to the client of identity_provider.client_id at the provider, and to the API that it asks for.'
}
