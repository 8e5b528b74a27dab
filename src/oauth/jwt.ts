import { type JsonObject, parseObject } from './json.ts'

/**
 * A JWT in compact form, taken apart but not verified: who signed it, and whether, is not known.
 */
export interface Jwt {
  /** The exact text that was received. */
  readonly compact: string
  readonly header: JsonObject
  readonly claims: JsonObject
}

/**
 * Takes a JWT in JWS compact serialisation apart (RFC 7515 §3.1, RFC 7519 §7.2).
 *
 * A token counts by its exact text: a part that is not canonical base64url (padding, white space,
 * stray bits in its last character) makes it malformed, so that no second spelling of a token is
 * another token. Not checked here: the signature and everything that header and claims say.
 *
 * @param compact the token as it stood in the request
 * @returns the token, or `undefined` when it is not a JWT (an opaque or an encrypted token)
 */
export function readJwt(compact: string): Jwt | undefined {
  // A new token is read where it arrives, and again by whoever answers for its signature.
  if (lastRead?.compact === compact) return lastRead
  lastRead = takeApart(compact)
  return lastRead
}

let lastRead: Jwt | undefined

function takeApart(compact: string): Jwt | undefined {
  const parts = compact.split('.')
  const [header, claims, signature] = parts
  if (parts.length !== 3 || !header || !claims || !signature) return undefined
  if (!isCanonicalBase64url(signature)) return undefined
  const headerObject = readPart(header)
  const claimsObject = readPart(claims)
  if (!headerObject || !claimsObject) return undefined
  return { compact, header: headerObject, claims: claimsObject }
}

function isCanonicalBase64url(text: string): boolean {
  return Buffer.from(text, 'base64url').toString('base64url') === text
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function readPart(part: string): JsonObject | undefined {
  if (!isCanonicalBase64url(part)) return undefined
  try {
    return parseObject(utf8.decode(Buffer.from(part, 'base64url')))
  } catch {
    return undefined
  }
}
