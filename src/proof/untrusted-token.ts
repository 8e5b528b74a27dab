import { randomBytes, randomUUID } from 'node:crypto'

/** What a token of one resource looks like from outside. */
export interface TokenShape {
  readonly issuer: string
  readonly audience: string
  /** Entra: the tenant. */
  readonly tenant?: string
  /** The first of `signing_algorithms`. */
  readonly algorithm: string
}

const LIFETIME_SECONDS = 300

/** Bytes of a signature (RFC 7518 §3.4, RFC 8037 §3.1); that of RSA is as long as its key of 2048 bits. */
const SIGNATURE_BYTES: Readonly<Record<string, number>> = {
  ES256: 64,
  ES384: 96,
  ES512: 132,
  EdDSA: 64,
  Ed25519: 64,
}
const RSA_SIGNATURE_BYTES = 256

/**
 * A token as this identity provider's are, for a user who does not exist, with random bytes where the
 * signature is: no verifier can take it for good. Whoever carries a call out all the same did not ask
 * the API server about the token.
 *
 * @param now milliseconds since the epoch
 */
export function untrustedToken(shape: TokenShape, now: number): string {
  const seconds = Math.floor(now / 1000)
  const user = randomUUID()
  const client = randomUUID()
  const header = { alg: shape.algorithm, typ: 'JWT', kid: randomUUID() }
  const claims = {
    aud: shape.audience,
    iss: shape.issuer,
    iat: seconds,
    nbf: seconds,
    exp: seconds + LIFETIME_SECONDS,
    sub: user,
    oid: user,
    ...(shape.tenant !== undefined && { tid: shape.tenant }),
    upn: 'nobody@rolecall.invalid',
    preferred_username: 'nobody@rolecall.invalid',
    azp: client,
    scp: 'user.read',
    ver: '1.0',
  }
  const signature = randomBytes(SIGNATURE_BYTES[shape.algorithm] ?? RSA_SIGNATURE_BYTES)
  const parts = [JSON.stringify(header), JSON.stringify(claims)].map((text) => Buffer.from(text))
  return [...parts, signature].map((part) => part.toString('base64url')).join('.')
}
