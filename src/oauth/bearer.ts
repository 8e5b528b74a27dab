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
  const [scheme, rest] = firstWord(value)
  if (scheme.toLowerCase() !== 'bearer') return { kind: 'none' }
  const [token, more] = firstWord(rest)
  if (token === '') return { kind: 'none' }
  if (firstWord(more)[0] !== '') return { kind: 'malformed' }
  return { kind: 'token', token }
}

/**
 * The first word of a field value, and what stands behind it. Spaces and tabs part words, nothing
 * else (RFC 9110 §5.6.3): `trim` would also take characters away that belong to a token's text.
 */
function firstWord(text: string): readonly [string, string] {
  let start = 0
  while (text[start] === ' ' || text[start] === '\t') start += 1
  const space = text.indexOf(' ', start)
  const tab = text.indexOf('\t', start)
  let end = space === -1 ? text.length : space
  if (tab !== -1 && tab < end) end = tab
  return [text.slice(start, end), text.slice(end)]
}
