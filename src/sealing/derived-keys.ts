import { hkdfSync, randomBytes } from 'node:crypto'

/** Keys for one purpose: the first makes, all check. 32 bytes each. */
export type KeyRing = readonly [Buffer, ...Buffer[]]

/** What keys are made for. A value made for one purpose never opens as another. */
export type Purpose =
  | 'mcp session id'
  | 'access token'
  | 'refresh token'
  | 'transaction'
  | 'go-on question'
  | 'authorization code'
  | 'consent'
  | 'client id'
  | 'stored answer'
  | 'session name'
  | 'list cursor'
  | 'question state'

/** The keys of every purpose, made of the same sealing keys. */
export interface DerivedKeys {
  for(purpose: Purpose): KeyRing
}

const KEY_BYTES = 32

/**
 * Derives keys from the sealing keys (HKDF-SHA-256, RFC 5869), each purpose its own.
 *
 * @param sealingKeys base64url, 32 bytes each, newest first, as the configuration checked them.
 *   None: a random one, good for the life of what is returned only.
 */
export function deriveKeys(sealingKeys: readonly string[]): DerivedKeys {
  const [newest, ...older] = sealingKeys.map((key) => Buffer.from(key, 'base64url'))
  const first = newest ?? randomBytes(KEY_BYTES)
  const rings = new Map<Purpose, KeyRing>()
  return {
    for(purpose) {
      const ring = rings.get(purpose) ?? [
        derive(first, purpose),
        ...older.map((key) => derive(key, purpose)),
      ]
      rings.set(purpose, ring)
      return ring
    },
  }
}

function derive(key: Buffer, purpose: Purpose): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', `rolecall ${purpose}`, KEY_BYTES))
}
