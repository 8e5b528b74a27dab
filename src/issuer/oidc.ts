import type { OidcConfig } from '../config/config.ts'
import type { IssuerProfile } from './issuer-profile.ts'

/** OpenID Connect and RFC 9068, Okta, and AD FS and Entra's v1 tokens. */
const CLIENT_CLAIMS = ['azp', 'client_id', 'cid', 'appid']

/**
 * Any OpenID Connect provider. Its issuer is compared as text, character by character: a trailing
 * slash, a default port or another letter case is another issuer (OpenID Connect Discovery 1.0
 * §4.3, RFC 8414 §3.3).
 */
export function oidcProfile(config: OidcConfig): IssuerProfile {
  const { issuer } = config
  return {
    kind: 'oidc',
    discoveryUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    configuredIssuer: issuer,
    userClaims:
      config.user_claim === undefined ? ['preferred_username', 'sub'] : [config.user_claim],
    clientClaims: config.client_claim === undefined ? CLIENT_CLAIMS : [config.client_claim],
    namesScope: false,
    backdating: 0,
    comparable: (id) => id,
    acceptsIssuer: (discovered) => discovered === issuer,
    tokenIssuers: () => [issuer],
    acceptsKey: () => true,
  }
}
