/** What a URL is that is no issuer, and the issuer that it belongs to. */
export interface MistakenIssuer {
  readonly what: 'a discovery document' | 'an endpoint'
  readonly issuer: string
}

/** Ends of a path, and what of the path before them is the issuer's (Auth0's ends with a slash). */
const endpoints: readonly (readonly [RegExp, string])[] = [
  // Keycloak
  [/\/protocol\/openid-connect(\/.*)?$/, ''],
  // Entra ID
  [/\/oauth2(\/v2\.0)?\/(authorize|token|logout|devicecode)$/, '/v2.0'],
  [/\/discovery(\/v2\.0)?\/keys$/, '/v2.0'],
  // Google
  [/\/o\/oauth2(\/v2)?\/auth$/, ''],
  // Okta: the org's own server, then a custom one
  [/^\/oauth2\/v1\/\w+$/, ''],
  [/(?<=\/oauth2\/[^/]+)\/v1\/\w+$/, ''],
  // Ping, Zitadel, GitLab and the like
  [
    /\/(as|oauth|oauth2|connect|oidc)\/(v\d+\/)?(authorize|authorization|token|userinfo|keys|jwks|certs)(\.oauth2)?$/,
    '',
  ],
  // Auth0
  [/^\/authorize$/, '/'],
  [/\/authorize$/, ''],
]
const wellKnown = /\/\.well-known\/(openid-configuration|oauth-authorization-server)/

/**
 * Whether a URL is the address of a provider's discovery document or endpoint, as people copy it for
 * an issuer. Whether the issuer exists is not checked.
 *
 * @param url an http or https URL
 */
export function mistakenIssuer(url: string): MistakenIssuer | undefined {
  const { origin, pathname } = new URL(url)
  if (wellKnown.test(pathname)) {
    const issuer = `${origin}${pathname.replace(wellKnown, '')}`
    return { what: 'a discovery document', issuer: issuer.replace(/\/$/, '') }
  }
  const path = pathname.replace(/\/$/, '')
  const found = endpoints.find(([end]) => end.test(path))
  if (found === undefined) return undefined
  const [end, rest] = found
  return { what: 'an endpoint', issuer: `${origin}${path.replace(end, rest)}` }
}
