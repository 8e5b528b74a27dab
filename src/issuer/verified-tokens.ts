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
   */
  keep(token: SignedToken): void {
    if (this.#signers.get(token.digest) === token.keyId) this.#tokens.set(token.digest, token)
    else this.#signers.set(token.digest, token.keyId)
  }

  forget(digest: string): void {
    this.#tokens.delete(digest)
    this.#signers.delete(digest)
  }
}
