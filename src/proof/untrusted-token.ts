import { randomUUID } from 'node:crypto'
import { generateKeyPair, SignJWT } from 'jose'

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

/**
 * A token as this identity provider's are, for a user who does not exist, signed with a key that is
 * thrown away: no verifier can take it for good. Whoever carries a call out all the same did not ask
 * the API server about the token.
 *
 * @param now milliseconds since the epoch
 */
export async function untrustedToken(shape: TokenShape, now: number): Promise<string> {
  const { privateKey } = await generateKeyPair(shape.algorithm)
  const seconds = Math.floor(now / 1000)
  const user = randomUUID()
  const client = randomUUID()
  return new SignJWT({
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
  })
    .setProtectedHeader({ alg: shape.algorithm, typ: 'JWT', kid: randomUUID() })
    .sign(privateKey)
}
