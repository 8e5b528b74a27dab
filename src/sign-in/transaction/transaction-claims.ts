import { LRUCache } from 'lru-cache'
import { atMost } from '../../at-most.ts'
import type { Clock } from '../../clock.ts'
import { TRANSACTION_LIFETIME_MS } from './transaction.ts'

const MOST_CLAIMED = 10_000

/** Lets each transaction come back once within this process, so that a replayed callback is refused. */
export interface TransactionClaims {
  /** Whether this transaction comes back for the first time here. */
  claim(id: string): boolean
  /** Whether it came back already. */
  isClaimed(id: string): boolean
  /** It may come back once more. */
  release(id: string): void
}

/** A claim is kept for as long as the transaction could come back. */
export function createTransactionClaims(clock: Clock): TransactionClaims {
  const claimed = new LRUCache<string, true>({
    ...atMost(MOST_CLAIMED),
    ttl: TRANSACTION_LIFETIME_MS,
    ttlResolution: 0,
    perf: { now: () => clock.now() },
  })
  return {
    claim(id) {
      const first = !claimed.has(id)
      claimed.set(id, true)
      return first
    },
    isClaimed: (id) => claimed.has(id),
    release: (id) => void claimed.delete(id),
  }
}
