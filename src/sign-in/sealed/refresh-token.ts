import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import type { RelayConfig } from '../../config/config.ts'
import { invalidGrant } from '../../oauth/errors.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import { accessTokenFormatShape } from './access-token-format.ts'

const sessionShape = z.object({
  /** Names this one refresh token; each refresh makes another (rotation). */
  id: z.string(),
  /** The same for all refresh tokens that come of one sign-in. */
  family: z.string(),
  /** Counts the refreshes: by the newest that was used, reuse is detected with one mark a session. */
  generation: z.number().int().nonnegative(),
  client: z.string(),
  /** What the client calls itself. */
  clientName: z.string().optional(),
  /** What it is good for: relay tells by the audience, broker by the resource's name. */
  bound: z.union([
    z.strictObject({ audiences: z.array(z.string()) }),
    z.strictObject({ resource: z.string() }),
  ]),
  /** The user it was made for, as `Principal.userKey`. */
  user: z.string(),
  /** What the cluster called that user when this token was made. */
  userName: z.string(),
  /** When the user signed in, milliseconds since the epoch. */
  began: z.number(),
  /** When it ends at the latest, whatever is configured later; milliseconds since the epoch. */
  ends: z.number(),
  /** What clients got when the user allowed it. */
  tokens: accessTokenFormatShape,
  /** The identity provider's refresh token; absent where it gave none. */
  provider: z.string().optional(),
})

/** A user's sign-in for one client, which a refresh token of ours carries. */
export type SignInSession = z.infer<typeof sessionShape>

/** A session that begins, with a family of its own. */
export function beginSession(
  of: Pick<SignInSession, 'client' | 'clientName' | 'bound' | 'user' | 'userName' | 'began'>,
  { session_lifetime: lifetime, tokens }: Pick<RelayConfig, 'session_lifetime' | 'tokens'>,
): SignInSession {
  return {
    ...of,
    id: randomUUID(),
    family: randomUUID(),
    generation: 0,
    ends: of.began + lifetime,
    tokens,
  }
}

/** The next refresh token of a session (RFC 9700 §4.14.2: rotation). */
export function sealRefreshToken(session: SignInSession, keys: KeyRing): Promise<string> {
  return seal({ ...session, id: randomUUID(), generation: session.generation + 1 }, keys)
}

/**
 * The session that a refresh token carries.
 *
 * Not checked: client, what it is bound to, age, and whether it was used before.
 *
 * @param keys those of purpose `refresh token`
 * @throws ErrorAnswer `invalid_grant` for everything that was not made as a refresh token here
 */
export async function openRefreshToken(
  refreshToken: string,
  keys: KeyRing,
): Promise<SignInSession> {
  const session = await readRefreshToken(refreshToken, keys)
  if (session) return session
  throw invalidGrant(
    'This refresh token was not made here, or was altered; sign in again.',
    'refresh_token_unknown',
  )
}

/** As {@link openRefreshToken}; `undefined` for everything that was not made as one here. */
export async function readRefreshToken(
  refreshToken: string,
  keys: KeyRing,
): Promise<SignInSession | undefined> {
  return sessionShape.safeParse(await open(refreshToken, keys)).data
}
