import { CompactEncrypt, compactDecrypt } from 'jose'
import type { KeyRing } from './derived-keys.ts'

const HEADER = { alg: 'dir', enc: 'A256GCM' } as const
const PERMITTED = {
  keyManagementAlgorithms: [HEADER.alg],
  contentEncryptionAlgorithms: [HEADER.enc],
}

/** Five parts of canonical base64url, the second empty: a JWE in which the key is used directly. */
const SHAPE = /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/

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
  const bytes = await openBytes(sealed, keys)
  return bytes && JSON.parse(new TextDecoder().decode(bytes))
}

/** The same for what `sealBytes` made. */
export async function openBytes(sealed: string, keys: KeyRing): Promise<Uint8Array | undefined> {
  if (!SHAPE.test(sealed) || !sealed.split('.').every(isCanonical)) return undefined
  for (const key of keys) {
    const opened = await compactDecrypt(sealed, key, PERMITTED).catch(() => undefined)
    if (opened) return opened.plaintext
  }
  return undefined
}

/** What every sealed value begins with. */
const HEADER_PART = Buffer.from(JSON.stringify(HEADER)).toString('base64url')

/** What `sealBytes` makes, without its header, which is always the same: for where room is short. */
export async function sealShort(bytes: Uint8Array, keys: KeyRing): Promise<string> {
  return (await sealBytes(bytes, keys)).slice(`${HEADER_PART}..`.length)
}

/** As {@link openBytes}, for what `sealShort` made. */
export function openShort(sealed: string, keys: KeyRing): Promise<Uint8Array | undefined> {
  return openBytes(`${HEADER_PART}..${sealed}`, keys)
}

/** base64url leaves bits over at its end, which a decoder ignores. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part
}
