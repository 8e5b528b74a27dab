/** What the Authorization headers of one request hold. */
export type BearerReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'more_than_one' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'token'; readonly token: string }

/**
 * Reads the bearer token out of a request's Authorization headers (RFC 6750 §2.1, RFC 9110 §11.4).
 *
 * The scheme's case does not matter. Another scheme, an empty header and a bare `Bearer` count as no
 * credentials (RFC 6750 §3.1). Not checked here: the token's own characters; a token that is not a
 * JWT is a bad token, while more than one word after the scheme is a malformed request.
 *
 * @param values every Authorization value as received, before any joining or de-duplication
 */
export function readBearer(values: readonly string[]): BearerReading {
  const [value] = values
  if (value === undefined) return { kind: 'none' }
  if (values.length > 1) return { kind: 'more_than_one' }
  const [scheme, ...words] = value.split(/[ \t]+/).filter((word) => word !== '')
  if (scheme?.toLowerCase() !== 'bearer') return { kind: 'none' }
  const [token] = words
  if (token === undefined) return { kind: 'none' }
  if (words.length > 1) return { kind: 'malformed' }
  return { kind: 'token', token }
}
