import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'
import type { ProviderTokens } from '../../issuer/token-endpoint/provider-grants.ts'

const HELD_FOR = 60_000
const MOST_HELD = 1_000

/**
 * Tokens that the identity provider gave and nobody could judge yet, because a key was missing. The
 * provider will not give them twice; the client that comes back within a minute gets them.
 */
export class HeldTokens {
  readonly #tokens = new LRUCache<string, ProviderTokens>({ max: MOST_HELD })
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param key names the grant that they were given for */
  keep(key: string, tokens: ProviderTokens): void {
    this.#tokens.set(key, tokens)
    this.#clock.after(HELD_FOR, () => {
      if (this.#tokens.peek(key) === tokens) this.#tokens.delete(key)
    })
  }

  /** The tokens for a grant, once. */
  take(key: string): ProviderTokens | undefined {
    const tokens = this.#tokens.get(key)
    this.#tokens.delete(key)
    return tokens
  }
}
