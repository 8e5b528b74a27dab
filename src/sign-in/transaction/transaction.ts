import { randomBytes } from 'node:crypto'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { sha256 } from '../../sealing/digest.ts'
import { openShort, sealShort } from '../../sealing/sealed-value.ts'
import type { AccessTokenFormat } from '../sealed/access-token-format.ts'
import { ID_BYTES, packTransaction, transactionId, unpackTransaction } from './transaction-bytes.ts'

/** How long a user may take from authorize to callback, in milliseconds. */
export const TRANSACTION_LIFETIME_MS = 600_000

/**
 * How a sign-in came to be allowed. `asked`: not yet. Only after `clicked`, a click in this very sign-in,
 * and for clients that the operator trusts (`skipped`) does a code leave without another click.
 */
export type Consent = 'asked' | 'clicked' | 'remembered' | 'skipped'

/** One sign-in on its way. It is in a cookie of the browser that began it, sealed. */
export interface Transaction {
  readonly id: string
  /** The resource's name. */
  readonly resource: string
  /** Absent: a sign-in on our own page. */
  readonly client?: {
    readonly id: string
    readonly redirectUri: string
    readonly state?: string
    /** RFC 7636, S256. */
    readonly challenge: string
    /** What clients get, as the user is told. */
    readonly tokens: AccessTokenFormat
  }
  readonly consent: Consent
  readonly prompt?: 'none' | 'login' | 'select_account'
  /** What the provider is asked for beside scopes (OpenID Connect Core §5.5), JSON; with a client only. */
  readonly claims?: string
  /** What nonce and PKCE verifier towards the identity provider are made of. */
  readonly secret: string
  /** Milliseconds since the epoch. */
  readonly began: number
}

/** A client's sign-in: not one on our own page. */
export type ClientTransaction = Transaction & {
  readonly client: NonNullable<Transaction['client']>
}

/** A sign-in that begins; the id begins with the time, so that cookies can be told by age. */
export function beginTransaction(
  of: Pick<Transaction, 'resource' | 'client' | 'consent' | 'prompt' | 'claims'>,
  now: number,
): Transaction {
  return {
    ...of,
    id: transactionId(now, randomBytes(ID_BYTES)),
    secret: randomBytes(16).toString('base64url'),
    began: now,
  }
}

/** Ten of them, and what others have in a browser, go into the header of every request: few bytes. */
export function sealTransaction(transaction: Transaction, keys: KeyRing): Promise<string> {
  return sealShort(packTransaction(transaction), keys)
}

/** The transaction of a cookie, if it is this one and not too old. */
export async function openTransaction(
  sealed: string | undefined,
  id: string,
  { keys, now }: { readonly keys: KeyRing; readonly now: number },
): Promise<Transaction | undefined> {
  if (sealed === undefined) return undefined
  const bytes = await openShort(sealed, keys)
  const transaction = bytes && unpackTransaction(bytes)
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
