import type { OidcConfig } from '../config/config.ts'
import type { IssuerProfile } from './issuer-profile.ts'

/** OpenID Connect and RFC 9068, Okta, and AD FS and Entra's v1 tokens. */
const CLIENT_CLAIMS = ['azp', 'client_id', 'cid', 'appid']

/**
 * Any OpenID Connect provider. Its issuer is compared as text, character by character: a trailing
 * slash, a default port or another letter case is another issuer (OpenID Connect Discovery 1.0
 * §4.3, RFC 8414 §3.3). With `discovery_url` the document is fetched elsewhere, and still must name this
 * issuer: the address that is asked says nothing about whose tokens are taken.
 */
export function oidcProfile(config: OidcConfig): IssuerProfile {
  const { issuer } = config
  return {
    kind: 'oidc',
    discoveryUrl:
      config.discovery_url ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    plainHttp: config.discovery_url === undefined ? 'loopback' : 'cluster-internal',
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
