import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { createSigningCertificate } from '../certificates.ts'

/** One key of the tenant. */
export interface SigningKey {
  /** The SHA-1 thumbprint of the certificate, base64url; `x5t` is the same. */
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** DER, base64: the one entry of `x5c`. */
  readonly certificate: string
}

/** The keys of the tenant: what is published, and which one signs. */
export interface SigningKeys {
  /** The key that signs now. */
  current(): SigningKey
  /** The keys in the key set, oldest first. */
  published(): readonly SigningKey[]
  /** A key by its id, also one that is not published any more. */
  find(kid: string): SigningKey | undefined
  /** Publishes a new key, which does not sign yet, and returns its id. */
  add(): Promise<string>
  /** Signs with this published key from now on. */
  use(kid: string): void
  /** Takes a key out of the key set. */
  retire(kid: string): void
}

/** What a tenant begins with: the first signs, both are published. */
export type FirstKeys = readonly [SigningKey, SigningKey]

/** Two keys for a tenant to begin with. RSA keys take their time: tests make them once. */
export function createFirstKeys(): Promise<FirstKeys> {
  return Promise.all([createSigningKey(), createSigningKey()])
}

/** The keys of a tenant that begins with these. */
export function createSigningKeys([first, second]: FirstKeys): SigningKeys {
  const all = new Map([first, second].map((key) => [key.kid, key]))
  const published = new Set(all.keys())
  let current = first
  function known(kid: string): SigningKey {
    const key = all.get(kid)
    if (!key) throw new Error(`there is no key ${kid}`)
    return key
  }
  return {
    current: () => current,
    published: () => [...published].map(known),
    find: (kid) => all.get(kid),
    async add() {
      const key = await createSigningKey()
      all.set(key.kid, key)
      published.add(key.kid)
      return key.kid
    },
    use(kid) {
      current = known(kid)
    },
    retire(kid) {
      published.delete(known(kid).kid)
    },
  }
}

/** A key that no key set has, unless it is added to one. */
export async function createSigningKey(): Promise<SigningKey> {
  const name = 'accounts.accesscontrol.windows.net'
  const { certificate, privateKey } = await createSigningCertificate(name)
  return {
    kid: createHash('sha1').update(certificate).digest('base64url'),
    privateKey,
    publicKey: createPublicKey(privateKey),
    certificate: certificate.toString('base64'),
  }
}
