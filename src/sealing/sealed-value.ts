import { createDecipheriv } from 'node:crypto'
import { CompactEncrypt } from 'jose'
import type { KeyRing } from './derived-keys.ts'

const HEADER = { alg: 'dir', enc: 'A256GCM' } as const
/** What every sealed value begins with: a header that is always the same, and no encrypted key. */
const BEGINNING = `${Buffer.from(JSON.stringify(HEADER)).toString('base64url')}..`
/** The header as text is what is authenticated beside the value (RFC 7516 §5.1, step 14). */
const AUTHENTICATED = Buffer.from(BEGINNING.slice(0, -2))
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Encrypts a value so that only rolecall can read or make it (JWE, RFC 7516, `dir` with A256GCM).
 *
 * @param value what JSON can hold
 * @param keys the keys of one purpose; the first seals
 */
export function seal(value: unknown, keys: KeyRing): Promise<string> {
  return sealBytes(new TextEncoder().encode(JSON.stringify(value)), keys)
}

/** The same for bytes. */
export function sealBytes(bytes: Uint8Array, keys: KeyRing): Promise<string> {
  return new CompactEncrypt(bytes).setProtectedHeader(HEADER).encrypt(keys[0])
}

/**
 * The value out of what `seal` made, with any key of the ring.
 *
 * Not checked: what the value is, how old it is, and whether it was opened before.
 *
 * @returns `undefined` for everything that was altered or made with other keys, another spelling of
 *   the same bytes included
 */
export async function open(sealed: string, keys: KeyRing): Promise<unknown> {
  const bytes = openBytes(sealed, keys)
  return bytes && JSON.parse(new TextDecoder().decode(bytes))
}

/**
 * The same for what `sealBytes` made; synchronous.
 *
 * By node:crypto and not by jose, which seals: that goes by WebCrypto, whose jobs cost a call with a
 * token not seen before 60 µs, where this takes 10.
 */
export function openBytes(sealed: string, keys: KeyRing): Uint8Array | undefined {
  return sealed.startsWith(BEGINNING) ? openRest(sealed.slice(BEGINNING.length), keys) : undefined
}

/** What `sealBytes` makes, without its beginning, which is always the same: for where room is short. */
export async function sealShort(bytes: Uint8Array, keys: KeyRing): Promise<string> {
  return (await sealBytes(bytes, keys)).slice(BEGINNING.length)
}

/** As {@link openBytes}, for what `sealShort` made. */
export async function openShort(sealed: string, keys: KeyRing): Promise<Uint8Array | undefined> {
  return openRest(sealed, keys)
}

function openRest(sealed: string, keys: KeyRing): Uint8Array | undefined {
  const parts = sealed.split('.', 4).map(decode)
  const [nonce, encrypted, tag] = parts
  if (parts.length !== 3 || !nonce || !encrypted || !tag) return undefined
  // A tag that may be shorter can be guessed (NIST SP 800-38D, appendix C).
  if (nonce.length !== NONCE_BYTES || tag.length !== TAG_BYTES) return undefined
  for (const key of keys) {
    const opened = decrypt({ nonce, encrypted, tag }, key)
    if (opened) return opened
  }
  return undefined
}

interface Encrypted {
  readonly nonce: Buffer
  readonly encrypted: Buffer
  readonly tag: Buffer
}

function decrypt({ nonce, encrypted, tag }: Encrypted, key: Buffer): Uint8Array | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(AUTHENTICATED).setAuthTag(tag)
  const opened = decipher.update(encrypted)
  try {
    decipher.final() // nothing of what was decrypted counts before the tag does
    return opened
  } catch {
    return undefined
  }
}

/** base64url leaves bits over at its end, which a decoder ignores: only one spelling counts. */
function decode(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}
