import * as z from 'zod'
import { invalidGrant } from '../../oauth/errors.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { equal, sha256 } from '../../sealing/digest.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import { accessTokenFormatShape } from '../sealed/access-token-format.ts'
import type { CodeGrant } from './token-request.ts'

const CODE_LIFETIME_MS = 60_000

const codeShape = z.object({
  id: z.string(),
  /** Of all tokens that will come of it. */
  family: z.string(),
  client: z.string(),
  redirectUri: z.string(),
  resource: z.string(),
  challenge: z.string(),
  /** The identity provider's code, not redeemed yet. */
  provider: z.string(),
  /** The transaction's. */
  secret: z.string(),
  /** What clients got when the user allowed it. */
  tokens: accessTokenFormatShape,
  /** Milliseconds since the epoch. */
  issued: z.number(),
})

/** What an authorization code of ours stands for. Without its verifier it is worth nothing. */
export type AuthorizationCode = z.infer<typeof codeShape>

/** When a code is over, milliseconds since the epoch. */
export function endOfCode({ issued }: Pick<AuthorizationCode, 'issued'>): number {
  return issued + CODE_LIFETIME_MS
}

export function sealCode(code: AuthorizationCode, keys: KeyRing): Promise<string> {
  return seal(code, keys)
}

/**
 * The code that a client redeems, with everything checked that it is bound to (RFC 6749 §4.1.3,
 * RFC 7636 §4.6). `redirect_uri` may be left out, as OAuth 2.1 has it.
 *
 * Not checked: whether it was redeemed before.
 *
 * @param expected.now milliseconds since the epoch
 * @throws ErrorAnswer `invalid_grant`; the code stays good
 */
export async function openCode(
  grant: CodeGrant,
  keys: KeyRing,
  expected: { readonly client: string; readonly resource: string; readonly now: number },
): Promise<AuthorizationCode> {
  const code = codeShape.safeParse(await open(grant.code, keys)).data
  if (!code) throw refused('was not made here, or was altered', 'unknown')
  if (expected.now > endOfCode(code)) {
    throw refused('is more than 60 seconds old', 'expired')
  }
  if (code.client !== expected.client) throw refused('was made for another client', 'client')
  if (code.resource !== expected.resource) {
    throw refused(
      'was made for another resource; redeem it at the token endpoint of its own issuer',
      'resource',
    )
  }
  if (grant.redirectUri !== undefined && grant.redirectUri !== code.redirectUri) {
    throw refused('was sent to another redirect_uri', 'redirect_uri')
  }
  if (!equal(sha256(grant.codeVerifier), code.challenge)) {
    throw refused('belongs to another code_verifier', 'verifier')
  }
  return code
}

function refused(why: string, reason: string): Error {
  return invalidGrant(`The code ${why}; sign in again.`, `code_${reason}`)
}
