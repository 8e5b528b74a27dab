import { LRUCache } from 'lru-cache'
import { atMost } from '../at-most.ts'
import type { SignedToken } from './token-verifier.ts'

/** Tokens with what is parsed from them, and the memory they take: 2.5 times their text, measured. */
const MOST_TOKENS = 10_000
const MOST_BYTES = 64 * 1_048_576
/** Signatures that held: each a digest and the name of a key, 0.2 KB. */
const MOST_SIGNATURES = 100_000

/**
 * What is remembered of tokens whose signatures held, what was used least lately going first: the
 * tokens themselves while there is room, and for ten times as many which key signed them, so that a
 * user who comes back costs a reading of the token and no signature check.
 */
export class VerifiedTokens {
  readonly #tokens = new LRUCache<string, SignedToken>({
    max: MOST_TOKENS,
    maxSize: MOST_BYTES,
    sizeCalculation: ({ jwt }) => jwt.compact.length * 3,
  })
  readonly #signers = new LRUCache<string, string>(atMost(MOST_SIGNATURES))

  /** How many signatures are remembered. */
  get size(): number {
    return this.#signers.size
  }

  /** @param digest of the whole token */
  token(digest: string): SignedToken | undefined {
    return this.#tokens.get(digest)
  }

  /** The id of the key that made a token's signature. */
  signer(digest: string): string | undefined {
    return this.#signers.get(digest)
  }

  /**
   * The token itself from the second time on: many that come once push out none that is used, and need
   * not outlive their call (15 µs of the collector's).
   *
   * @param now milliseconds since the epoch
   */
  keep(token: SignedToken, now: number): void {
    if (this.#signers.get(token.digest) === token.keyId) {
      this.#dropEnded(now)
      this.#tokens.set(token.digest, token)
    } else this.#signers.set(token.digest, token.keyId)
  }

  /**
   * Tokens that ended make room at once, and not only when there is none: each resource that judged one
   * keeps 0.5 KB with it, 25 KB in a fleet of 50 clusters. Two for each that comes, from those that were
   * longest unused, are all of them in the end.
   */
  #dropEnded(now: number): void {
    for (let i = 0; i < 2; i += 1) {
      const { value: oldest } = this.#tokens.rvalues().next()
      if (oldest === undefined || !hasEnded(oldest, now)) return
      this.#tokens.delete(oldest.digest)
    }
  }

  forget(digest: string): void {
    this.#tokens.delete(digest)
    this.#signers.delete(digest)
  }
}

function hasEnded({ jwt }: SignedToken, now: number): boolean {
  const end = jwt.claims['exp']
  return typeof end === 'number' && end * 1000 <= now
}
