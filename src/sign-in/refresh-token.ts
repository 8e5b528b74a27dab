import { z } from 'zod'
import type { KeyRing } from '../sealing/derived-keys.ts'
import { open, seal } from '../sealing/sealed-value.ts'

const grantShape = z.object({
  /** Names this one refresh token; each refresh makes another. */
  id: z.string(),
  client: z.string(),
  /** Relay: the audiences of the tokens it is good for. */
  audiences: z.array(z.string()),
  /** The person it was made for, as `Principal.personKey`. */
  person: z.string(),
  /** When the session began, milliseconds since the epoch. */
  began: z.number(),
  /** The identity provider's refresh token; absent where it gave none. */
  provider: z.string().optional(),
})

/** What a refresh token of ours stands for. */
export type RefreshGrantState = z.infer<typeof grantShape>

/** The refresh token for a state: it can be read and made here only. */
export function sealRefreshToken(state: RefreshGrantState, keys: KeyRing): Promise<string> {
  return seal(state, keys)
}

/**
 * What a refresh token stands for.
 *
 * Not checked: client, audience, age, and whether it was used before.
 *
 * @returns `undefined` for everything that was not made as a refresh token here
 */
export async function openRefreshToken(
  text: string,
  keys: KeyRing,
): Promise<RefreshGrantState | undefined> {
  return grantShape.safeParse(await open(text, keys)).data
}
