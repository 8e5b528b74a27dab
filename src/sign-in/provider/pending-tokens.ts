import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'
import type { ProviderTokens } from '../../issuer/token-endpoint/provider-grants.ts'

const PENDING_MS = 60_000
const MOST_PENDING = 1_000

/**
 * Tokens that the identity provider gave and nobody could judge yet, because a key was missing. The
 * provider will not give them twice; the client that comes back within a minute gets them.
 */
export class PendingTokens {
  readonly #tokens: LRUCache<string, ProviderTokens>

  constructor(clock: Clock) {
    this.#tokens = new LRUCache({
      max: MOST_PENDING,
      ttl: PENDING_MS,
      ttlResolution: 0,
      perf: { now: () => clock.now() },
    })
  }

  /** @param key names the grant that they were given for */
  keep(key: string, tokens: ProviderTokens): void {
    this.#tokens.set(key, tokens)
  }

  /** The tokens for a grant, once. */
  take(key: string): ProviderTokens | undefined {
    const tokens = this.#tokens.get(key)
    this.#tokens.delete(key)
    return tokens
  }
}
