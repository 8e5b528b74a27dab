import { deflateRawSync, inflateRawSync } from 'node:zlib'
import * as z from 'zod'
import { KNOWN_ADDRESSES } from '../clients/registration-id.ts'
import type { Transaction } from './transaction.ts'

/** What follows tells how the rest is to be read; another form gets another number. */
const FORM = 1

export const ID_BYTES = 16
const SECRET_BYTES = 16
const BEGAN_BYTES = 6
/** SHA-256. */
const CHALLENGE_BYTES = 32
const FIXED_BYTES = 2 + ID_BYTES + SECRET_BYTES + BEGAN_BYTES + CHALLENGE_BYTES

/** Far above what an address has room for. */
const MOST_INFLATED = 65_536

/** Each in two bits; their order belongs to the form. */
const CONSENTS = ['asked', 'clicked', 'remembered', 'skipped'] as const
const PROMPTS = [undefined, 'none', 'login', 'select_account'] as const
const TOKENS = ['sealed', 'passthrough'] as const

/** Resource; and of a client its id, redirect URI, state and claims request, where it sent them. */
const texts = z.union([
  z.tuple([z.string()]),
  z.tuple([z.string(), z.string(), z.string()]),
  z.tuple([z.string(), z.string(), z.string(), z.string()]),
  z.tuple([z.string(), z.string(), z.string(), z.string().nullable(), z.string()]),
])

/** A transaction's name; it begins with the time, so that cookies can be told by age. */
export function transactionId(began: number, random: Uint8Array): string {
  return `${Math.floor(began / 1000).toString(36)}-${Buffer.from(random).toString('base64url')}`
}

/**
 * A transaction in few bytes: what is random as it is, and the rest as deflated JSON (RFC 1951), which has
 * no secret of ours in it: what a stranger chose is compressed with nothing but itself (CRIME).
 */
export function packTransaction(transaction: Transaction): Uint8Array {
  const { id, client, consent, prompt, secret, began } = transaction
  const bytes = Buffer.alloc(FIXED_BYTES)
  const tokens = client ? TOKENS.indexOf(client.tokens) : 0
  bytes.writeUInt8(FORM, 0)
  bytes.writeUInt8(CONSENTS.indexOf(consent) | (PROMPTS.indexOf(prompt) << 2) | (tokens << 4), 1)
  bytes.writeUIntBE(began, 2, BEGAN_BYTES)
  let at = 2 + BEGAN_BYTES
  at += bytes.write(id.slice(id.indexOf('-') + 1), at, ID_BYTES, 'base64url')
  at += bytes.write(secret, at, SECRET_BYTES, 'base64url')
  bytes.write(client?.challenge ?? '', at, CHALLENGE_BYTES, 'base64url')
  return Buffer.concat([
    bytes,
    deflateRawSync(JSON.stringify(listed(transaction)), { level: 9, dictionary: KNOWN_ADDRESSES }),
  ])
}

function listed({ resource, client, claims }: Transaction): z.infer<typeof texts> {
  if (!client) return [resource]
  const { id, redirectUri, state } = client
  if (claims !== undefined) return [resource, id, redirectUri, state ?? null, claims]
  return state === undefined ? [resource, id, redirectUri] : [resource, id, redirectUri, state]
}

/**
 * What `packTransaction` made.
 *
 * @returns `undefined` for another form
 */
export function unpackTransaction(packed: Uint8Array): Transaction | undefined {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  if (bytes.length < FIXED_BYTES || bytes.readUInt8(0) !== FORM) return undefined
  const flags = bytes.readUInt8(1)
  const began = bytes.readUIntBE(2, BEGAN_BYTES)
  const [idAt, secretAt] = [2 + BEGAN_BYTES, 2 + BEGAN_BYTES + ID_BYTES]
  const challengeAt = secretAt + SECRET_BYTES
  const prompt = PROMPTS[(flags >> 2) & 3]
  const inflated = inflateRawSync(bytes.subarray(FIXED_BYTES), {
    maxOutputLength: MOST_INFLATED,
    dictionary: KNOWN_ADDRESSES,
  })
  const read = texts.safeParse(JSON.parse(inflated.toString())).data
  if (!read) return undefined
  const [resource, id, redirectUri, state, claims] = read
  return {
    id: transactionId(began, bytes.subarray(idAt, secretAt)),
    resource,
    consent: CONSENTS[flags & 3] ?? 'asked',
    secret: bytes.toString('base64url', secretAt, challengeAt),
    began,
    ...(prompt && { prompt }),
    ...(claims !== undefined && { claims }),
    ...(id !== undefined &&
      redirectUri !== undefined && {
        client: {
          id,
          redirectUri,
          challenge: bytes.toString('base64url', challengeAt, FIXED_BYTES),
          tokens: TOKENS[(flags >> 4) & 1] ?? 'sealed',
          ...(typeof state === 'string' && { state }),
        },
      }),
  }
}
