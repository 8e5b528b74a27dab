/** What one Bearer challenge says. Absent members are left out. */
export interface Challenge {
  /** Absolute URL of the protected resource metadata document. */
  readonly resourceMetadata: string
  readonly scope?: readonly string[]
  readonly error?: string
  readonly errorDescription?: string
  /** Base64 JSON of a claims challenge, from the upstream. */
  readonly claims?: string
}

/**
 * One `WWW-Authenticate: Bearer` challenge (RFC 6750 §3, RFC 9728 §5.1).
 *
 * Every value is a quoted-string without anything to escape: printable ASCII, no quotation mark, no
 * backslash. In the description `=` becomes `:`, since clients look for `scope=` and the like
 * anywhere in the header. Scopes and `claims` with characters their grammar lacks are left out.
 * Not checked here: that `resourceMetadata` is absolute.
 */
export function bearerChallenge(challenge: Challenge): string {
  const parameters: readonly (readonly [string, string | undefined])[] = [
    ['resource_metadata', quotable(challenge.resourceMetadata)],
    ['scope', scopeValue(challenge.scope)],
    ['error', challenge.error && quotable(challenge.error)],
    ['error_description', challenge.errorDescription && sentence(challenge.errorDescription)],
    ['claims', claimsValue(challenge.claims)],
  ]
  const written = parameters
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}="${value}"`)
  return `Bearer ${written.join(', ')}`
}

/** RFC 6750 §3: the values of error and error_description exclude `"` and `\`. */
function quotable(value: string): string {
  return value
    .replace(/[^\x20-\x7e]/g, '?')
    .replaceAll('"', "'")
    .replaceAll('\\', '/')
}

function sentence(value: string): string {
  return quotable(value).replaceAll('=', ':')
}

function scopeValue(scopes: readonly string[] = []): string {
  return scopes.filter((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)).join(' ')
}

function claimsValue(claims: string | undefined): string | undefined {
  return claims !== undefined && /^[A-Za-z0-9+/_-]+={0,2}$/.test(claims) ? claims : undefined
}
