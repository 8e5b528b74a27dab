import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { DocumentError } from '../net/document-error.ts'
import { isJsonObject, type JsonObject } from '../oauth/json.ts'
import { ALGORITHMS, keyKindOf } from './signature.ts'

/** A public key of the provider, fit to verify. */
export interface VerificationKey {
  /** RFC 7638 thumbprint: the same key is the same id, whatever `kid` it is listed under. */
  readonly id: string
  readonly kid?: string
  readonly key: KeyObject
  /** The algorithms whose signatures it may verify. */
  readonly algorithms: readonly string[]
}

/** The keys that count, and their ids. */
export interface KeySet {
  readonly keys: readonly VerificationKey[]
  readonly ids: ReadonlySet<string>
}

/** Which keys of a set count. */
export interface KeySetRules {
  /** `signing_algorithms`: at least one key must fit one of them. */
  readonly algorithms: readonly string[]
  readonly acceptsKey: (key: JsonObject) => boolean
  /** Whether the mock identity provider's keys may be used. */
  readonly acceptsMock: boolean
}

const MOST_KEYS = 100

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Reads a JWK Set (RFC 7517 §5). Keys that cannot verify are left out: for encryption, RSA below 2048
 * bits, symmetric, of an unknown kind, malformed, or with private members, since a key whose private
 * half is published is anybody's. Keys without `use` or `alg` are taken. Which algorithms count is for
 * the verifier to say: ID tokens may be signed with another than access tokens.
 *
 * Not used: `x5c`, `x5t`, `x5u`; the set came over TLS from the address that discovery names.
 *
 * @throws DocumentError when no key fits `signing_algorithms`, there are more than 100, or it is the
 *   mock's
 */
export async function readKeySet(document: unknown, rules: KeySetRules): Promise<KeySet> {
  if (!isJsonObject(document) || !Array.isArray(document['keys'])) {
    throw new DocumentError('incomplete', 'the key set has no list of keys')
  }
  if (document['rolecall_mock_idp'] === true && !rules.acceptsMock) {
    const remedy =
      'anybody can sign in there; it is taken only while public_url and listen are loopback'
    throw new DocumentError('mock_marker', `the key set is the mock identity provider's: ${remedy}`)
  }
  const entries: readonly unknown[] = document['keys']
  if (entries.length === 0) throw new DocumentError('no_usable_key', 'the key set is empty')
  if (entries.length > MOST_KEYS) {
    throw new DocumentError('too_many_keys', `the key set has more than ${MOST_KEYS} keys`)
  }
  const read = await Promise.all(entries.map((entry) => readKey(entry, rules)))
  const keys = read.filter((key) => key !== undefined)
  if (!keys.some((key) => rules.algorithms.some((it) => key.algorithms.includes(it)))) {
    const wanted = rules.algorithms.join(', ')
    const there = kindsIn(entries)
    throw new DocumentError(
      'no_usable_key',
      `the key set has no usable key for ${wanted}${there && `, only ${there}`}`,
    )
  }
  return { keys, ids: new Set(keys.map((key) => key.id)) }
}

/**
 * The keys that may have made a signature. A `kid` picks its keys and no others; without one every
 * key that fits the algorithm counts.
 */
export function keysFitting(
  keySet: KeySet,
  algorithm: string,
  kid: string | undefined,
): readonly VerificationKey[] {
  return keySet.keys.filter(
    (key) => key.algorithms.includes(algorithm) && (kid === undefined || key.kid === kid),
  )
}

async function readKey(entry: unknown, rules: KeySetRules): Promise<VerificationKey | undefined> {
  if (!isJsonObject(entry) || !rules.acceptsKey(entry) || !maySign(entry)) return undefined
  const algorithms = fittingAlgorithms(entry)
  if (algorithms.length === 0) return undefined
  const key = importKey(entry)
  if (!key || !isStrong(key)) return undefined
  // From the imported key, so that another spelling of the same numbers has the same id.
  const id = await calculateJwkThumbprint(key.export({ format: 'jwk' }) as JWK)
  const kid = entry['kid']
  return { id, key, algorithms, ...(typeof kid === 'string' ? { kid } : {}) }
}

/** The kinds of keys that are listed and known here, for people; nothing of the document's own text. */
function kindsIn(entries: readonly unknown[]): string {
  const known = new Set(ALGORITHMS.map(keyKindOf))
  const kinds = entries.filter(isJsonObject).map(kindOf)
  return [...new Set(kinds)].filter((kind) => known.has(kind)).join(', ')
}

function kindOf({ kty, crv }: JsonObject): string {
  return kty === 'RSA' ? 'RSA' : `${String(kty)} ${String(crv)}`
}

function maySign(entry: JsonObject): boolean {
  const { use, key_ops: operations } = entry
  if (use !== undefined && use !== 'sig') return false
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return false
  }
  return !PRIVATE_MEMBERS.some((name) => name in entry)
}

function fittingAlgorithms(entry: JsonObject): readonly string[] {
  const { alg } = entry
  const kind = kindOf(entry)
  return ALGORITHMS.filter((it) => keyKindOf(it) === kind && (alg === undefined || alg === it))
}

function importKey(entry: JsonObject): KeyObject | undefined {
  try {
    return createPublicKey({ key: entry as JsonWebKey, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** RSA: 2048 bits (RFC 7518 §3.3), and an exponent with which a signature is more than its text. */
function isStrong(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'rsa') return true
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  return modulusLength >= 2048 && modulusLength <= 16384 && publicExponent >= 3n
}
