import type { Clock } from '../clock.ts'
import { type Jwt, readJwt } from '../oauth/jwt.ts'
import { type Digest, sha256 } from '../sealing/digest.ts'
import type { Fetched, RefreshingDocument } from './documents/refreshing-document.ts'
import { type KeySet, keysFitting } from './key-set.ts'
import { isSignedBy } from './signature.ts'
import { UnknownKeyFetch } from './unknown-key-fetch.ts'
import { VerifiedTokens } from './verified-tokens.ts'

const signed = Symbol('signed')

/**
 * A token whose signature was made by a key of the key set. Only the verifier makes one. It says
 * nothing about the token's issuer, audience or times.
 */
export interface SignedToken {
  readonly [signed]: true
  readonly jwt: Jwt
  /** SHA-256 of the whole token, base64url. */
  readonly digest: string
  /** The thumbprint of the key that signed it. */
  readonly keyId: string
}

/** What came of looking at a signature. */
export type Verification =
  | { readonly kind: 'signed'; readonly token: SignedToken }
  /** The key set was fetched after the token was issued, or the token has no `iat`. */
  | { readonly kind: 'unknown_key' }
  | { readonly kind: 'bad_signature' }
  | Undecidable

/** Fail closed: without fresh keys nothing is said of a token. */
export interface Undecidable {
  readonly kind: 'unavailable'
  readonly reason: 'no_keys_yet' | 'keys_too_old' | 'key_fetch_pending'
  /** Whole seconds, at least 1. */
  readonly retryAfter: number
}

/** Verifies signatures, and remembers those that held. */
export interface TokenVerifier {
  /**
   * The token, if its signature was verified twice before, its key is still in the key set and the keys
   * are not older than `stale_for`. Synchronous: one SHA-256 and one look-up.
   *
   * @param digest in place of SHA-256: one that remembers it
   */
  recall(compact: string, digest?: Digest): SignedToken | undefined
  /**
   * Verifies the signature with a key of the key set (RFC 7515 §5.2). The algorithm must be in
   * `signing_algorithms`, or of those that are given; `crit` and `b64` are refused; no key and no
   * address in the token's header is ever used. Answers at once, and with a promise only where the
   * identity provider is waited for, since the key is unknown.
   *
   * Not checked: issuer, audience, times, kind.
   *
   * @param algorithms in place of `signing_algorithms`; only asymmetric ones have a key
   * @returns never rejects
   */
  verify(jwt: Jwt, algorithms?: readonly string[]): Verification | Promise<Verification>
}

/** A verifier that can be asked how much it remembers; for metrics. */
export interface CachingVerifier extends TokenVerifier {
  /** Tokens that need no signature check the next time. */
  cachedTokens(): number
}

/** The key set and the rules that signatures are verified by. */
export interface TokenVerifierOptions {
  readonly clock: Clock
  readonly keySet: RefreshingDocument<KeySet>
  /** `signing_algorithms`. */
  readonly algorithms: readonly string[]
  /** Seconds by which `iat` may lie before a token's issue. */
  readonly backdating: number
}

/** A token without `kid` costs one signature check for each key that fits; this bounds it. */
const MOST_KEYS_TRIED = 10

type Lookup = Verification | { readonly kind: 'undecided'; readonly keys: Fetched<KeySet> }

/** The verifier over one key set, with a cache of verified tokens. */
export function createTokenVerifier(options: TokenVerifierOptions): CachingVerifier {
  const { clock, keySet, algorithms, backdating } = options
  const unknownKeyFetch = new UnknownKeyFetch(clock, keySet)
  const verified = new VerifiedTokens()

  function recall(compact: string, digestOf: Digest = sha256): SignedToken | undefined {
    const current = keySet.current()
    if (!current) return undefined
    const digest = digestOf(compact)
    const token = verified.token(digest)
    if (!token) return undefined
    // A key that is gone takes its tokens with it: it is looked for at every use.
    if (current.value.ids.has(token.keyId)) return token
    verified.forget(digest)
    return undefined
  }

  function lookUp(jwt: Jwt, digest: string): Lookup {
    const current = keySet.current()
    if (!current) return unavailable(keySet)
    const cached = verified.token(digest)
    if (cached && current.value.ids.has(cached.keyId)) return { kind: 'signed', token: cached }
    const { alg, kid } = plainHeader(jwt)
    const keys = keysFitting(current.value, alg, kid).slice(0, MOST_KEYS_TRIED)
    const before = verified.signer(digest)
    const signer = keys.find(({ id, key }) => id === before || isSignedBy(jwt.compact, key, alg))
    if (signer) {
      const token: SignedToken = { [signed]: true, jwt, digest, keyId: signer.id }
      verified.keep(token, clock.now())
      return { kind: 'signed', token }
    }
    // Without a kid, a signature that no key fits may be that of a key not yet fetched.
    if (keys.length > 0 && kid !== undefined) return { kind: 'bad_signature' }
    return { kind: 'undecided', keys: current }
  }

  async function lookUpAfterFetch(
    jwt: Jwt,
    digest: string,
    before: Fetched<KeySet>,
  ): Promise<Verification> {
    const arrivedAt = clock.now()
    await unknownKeyFetch.run()
    if (keySet.current() === before) return fetchPending(unknownKeyFetch)
    const second = lookUp(jwt, digest)
    if (second.kind !== 'undecided') return second
    const { fetchedAt } = second.keys
    // A token that was there before the fetch began is not younger than it, whatever its kind.
    const margin = fetchedAt >= arrivedAt ? 0 : backdating
    if (isKeyUnknown(jwt, fetchedAt, margin)) return { kind: 'unknown_key' }
    return fetchPending(unknownKeyFetch)
  }

  function verify({ compact }: Jwt, allowed = algorithms): Verification | Promise<Verification> {
    // What is handed on is what was signed: the text, taken apart here.
    const jwt = readJwt(compact)
    if (!jwt || !hasPlainHeader(jwt, allowed)) return { kind: 'bad_signature' }
    const digest = sha256(compact)
    const first = lookUp(jwt, digest)
    if (first.kind !== 'undecided') return first
    if (isKeyUnknown(jwt, first.keys.fetchedAt, backdating)) return { kind: 'unknown_key' }
    return lookUpAfterFetch(jwt, digest, first.keys)
  }

  return { recall, verify, cachedTokens: () => verified.size }
}

function plainHeader(jwt: Jwt): { readonly alg: string; readonly kid: string | undefined } {
  const { alg, kid } = jwt.header
  return {
    alg: typeof alg === 'string' ? alg : 'none',
    kid: typeof kid === 'string' ? kid : undefined,
  }
}

/** A `kid` that is not text names no key; `b64` and `crit` change what is signed (RFC 7797). */
function hasPlainHeader(jwt: Jwt, algorithms: readonly string[]): boolean {
  const { kid } = jwt.header
  if (!algorithms.includes(plainHeader(jwt).alg)) return false
  if (kid !== undefined && typeof kid !== 'string') return false
  return !('crit' in jwt.header) && !('b64' in jwt.header)
}

/**
 * Whether the key set is younger than the token. Whole seconds, as `iat` has them: a fetch in the
 * second of issue may have been too early.
 *
 * @param margin seconds by which the token may be younger than its `iat` says; without it a key
 *   that signs as soon as it is published would be refused for as long after every fetch
 */
function isKeyUnknown(jwt: Jwt, fetchedAt: number, margin: number): boolean {
  const issuedAt = jwt.claims['iat']
  if (typeof issuedAt !== 'number' || !Number.isFinite(issuedAt)) return true
  return Math.floor(fetchedAt / 1000) > issuedAt + margin
}

function unavailable(keySet: RefreshingDocument<KeySet>): Undecidable {
  const reason = keySet.last() ? 'keys_too_old' : 'no_keys_yet'
  return { kind: 'unavailable', reason, retryAfter: wholeSeconds(keySet.nextTryIn()) }
}

function fetchPending(fetch: UnknownKeyFetch): Undecidable {
  const retryAfter = wholeSeconds(fetch.allowedIn())
  return { kind: 'unavailable', reason: 'key_fetch_pending', retryAfter }
}

function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000))
}
