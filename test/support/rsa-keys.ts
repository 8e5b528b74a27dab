import { generateKeyPairSync, type KeyObject } from 'node:crypto'

export interface RsaKeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const made = new Map<string, RsaKeyPair>()

/**
 * The RSA key pair of this name and length: made when it is first asked for in this process, since
 * each takes a tenth of a second and more. Two names never mean one key.
 */
export function rsaKeyPair(name: string, bits = 2048): RsaKeyPair {
  const id = `${bits} ${name}`
  const there = made.get(id)
  if (there) return there
  const pair = generateKeyPairSync('rsa', { modulusLength: bits })
  made.set(id, pair)
  return pair
}
