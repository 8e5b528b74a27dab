import { hkdfSync, randomBytes } from 'node:crypto'

/** Keys for one purpose: the first makes, all check. 32 bytes each. */
export type KeyRing = readonly [Buffer, ...Buffer[]]

const KEY_BYTES = 32

/**
 * Derives the keys for one purpose from the sealing keys (HKDF-SHA-256, RFC 5869), so that a value
 * made for one purpose never opens as another.
 *
 * @param sealingKeys base64url, 32 bytes each, newest first, as the configuration checked them.
 *   None: one random key, good for the life of this process only.
 * @param purpose a fixed text
 */
export function keysFor(sealingKeys: readonly string[], purpose: string): KeyRing {
  const [newest, ...older] = sealingKeys.map((key) =>
    derive(Buffer.from(key, 'base64url'), purpose),
  )
  return newest === undefined ? [randomBytes(KEY_BYTES)] : [newest, ...older]
}

function derive(key: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `rolecall ${purpose}`, KEY_BYTES))
}
