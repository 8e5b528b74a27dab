import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { sha256 } from '../../sealing/digest.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import { accessTokenFormatShape } from '../sealed/access-token-format.ts'

/** How long a user may take from authorize to callback, in milliseconds. */
export const TRANSACTION_LIFETIME_MS = 600_000

const transactionShape = z.object({
  id: z.string(),
  /** The resource's name. */
  resource: z.string(),
  /** Absent: a sign-in on our own page. */
  client: z
    .object({
      id: z.string(),
      redirectUri: z.string(),
      state: z.string().optional(),
      challenge: z.string(),
      /** What clients get, as the user is told. */
      tokens: accessTokenFormatShape,
    })
    .optional(),
  /**
   * How it came to be allowed. `asked`: not yet. Only after `clicked`, a click in this very sign-in,
   * and for clients that the operator trusts (`skipped`) does a code leave without another click.
   */
  consent: z.enum(['asked', 'clicked', 'remembered', 'skipped']),
  prompt: z.enum(['none', 'login', 'select_account']).optional(),
  /** What nonce and PKCE verifier towards the identity provider are made of. */
  secret: z.string(),
  /** Milliseconds since the epoch. */
  began: z.number(),
})

/** One sign-in on its way. It is in a cookie of the browser that began it, sealed. */
export type Transaction = z.infer<typeof transactionShape>

/** A client's sign-in: not one on our own page. */
export type ClientTransaction = Transaction & {
  readonly client: NonNullable<Transaction['client']>
}

/** A sign-in that begins; the id begins with the time, so that cookies can be told by age. */
export function beginTransaction(
  of: Pick<Transaction, 'resource' | 'client' | 'consent' | 'prompt'>,
  now: number,
): Transaction {
  return {
    ...of,
    id: `${Math.floor(now / 1000).toString(36)}-${randomBytes(16).toString('base64url')}`,
    secret: randomBytes(16).toString('base64url'),
    began: now,
  }
}

export function sealTransaction(transaction: Transaction, keys: KeyRing): Promise<string> {
  return seal(transaction, keys)
}

/** The transaction of a cookie, if it is this one and not too old. */
export async function openTransaction(
  sealed: string | undefined,
  id: string,
  { keys, now }: { readonly keys: KeyRing; readonly now: number },
): Promise<Transaction | undefined> {
  if (sealed === undefined) return undefined
  const transaction = transactionShape.safeParse(await open(sealed, keys)).data
  if (transaction?.id !== id || now > transaction.began + TRANSACTION_LIFETIME_MS) return undefined
  return transaction
}

/** What one sign-in shows the identity provider, and nobody else can know beforehand. */
export interface ProviderProof {
  readonly nonce: string
  readonly codeVerifier: string
  /** RFC 7636, S256. */
  readonly codeChallenge: string
}

export function providerProof(secret: string): ProviderProof {
  const codeVerifier = digest(`verifier ${secret}`)
  return { nonce: digest(`nonce ${secret}`), codeVerifier, codeChallenge: digest(codeVerifier) }
}

function digest(text: string): string {
  return sha256(text)
}
