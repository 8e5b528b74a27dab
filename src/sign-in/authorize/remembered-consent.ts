import * as z from 'zod'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { sha256 } from '../../sealing/digest.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import { popupOriginOf } from '../clients/popup-client.ts'
import type { AccessTokenFormat } from '../sealed/access-token-format.ts'

const REMEMBERED_MS = 90 * 24 * 3_600_000
/** More do not fit into a cookie. */
const MOST_REMEMBERED = 12

const consentsShape = z.array(
  z.object({
    /** Digest of the consent, since client ids are long. */
    of: z.string(),
    /** Milliseconds since the epoch. */
    until: z.number(),
  }),
)

/** What a user allowed. */
export interface Consent {
  readonly client: string
  readonly redirectUri: string
  /** Its URL. */
  readonly resource: string
  /** What the client gets. */
  readonly tokens: AccessTokenFormat
}

type Consents = z.infer<typeof consentsShape>

interface Memory {
  /** The cookie, as the browser sent it. */
  readonly sealed: string | undefined
  readonly keys: KeyRing
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Whether this browser's user allowed exactly this before, and not too long ago. */
export async function isRemembered(consent: Consent, memory: Memory): Promise<boolean> {
  const of = digest(consent)
  return (await consentsIn(memory)).some((known) => known.of === of)
}

/**
 * Whether a consent to this can be remembered: only if its answers end at https, since anybody can be
 * at an address of http. In a popup the question is asked each time: its click opens the window in
 * which the sign-in goes on.
 */
export function canBeRemembered({
  client,
  redirectUri,
}: Pick<Consent, 'client' | 'redirectUri'>): boolean {
  return redirectUri.startsWith('https:') && popupOriginOf(client) === undefined
}

/** The cookie with this consent too, if it can be remembered; of too many the oldest go. */
export async function remember(consent: Consent, memory: Memory): Promise<string | undefined> {
  if (!canBeRemembered(consent)) return undefined
  const of = digest(consent)
  const others = (await consentsIn(memory)).filter((known) => known.of !== of)
  const all = [...others, { of, until: memory.now + REMEMBERED_MS }]
  return seal(all.slice(-MOST_REMEMBERED), memory.keys)
}

async function consentsIn({ sealed, keys, now }: Memory): Promise<Consents> {
  if (sealed === undefined) return []
  const consents = consentsShape.safeParse(await open(sealed, keys)).data ?? []
  return consents.filter(({ until }) => now < until)
}

function digest({ client, redirectUri, resource, tokens }: Consent): string {
  const text = JSON.stringify([client, redirectUri, resource, tokens])
  return sha256(text)
}
