import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Store } from '../../store/store.ts'
import type { Redeemable } from './single-use.ts'
import { storeKey } from './store-key.ts'

/**
 * For how long a value is one process's to redeem, in milliseconds. More than a redemption takes
 * (10 s), so that it runs out only where a process died meanwhile.
 */
const CLAIM_MS = 30_000

/**
 * Which process redeems a value, among all that share a store: whoever has the claim asks the identity
 * provider, the others wait for its answer. Two redemptions at once would be a replay there, and end
 * the session.
 *
 * Every method throws `StoreUnavailable`.
 */
export class Claims {
  readonly #claimant = randomUUID()
  readonly #store: Store
  readonly #clock: Clock

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Whether the value is ours to redeem now, and nobody else's. Not checked: whether it was used. */
  async take({ id }: Redeemable): Promise<boolean> {
    const key = keyOf(id)
    if (await this.#store.setIfAbsent(key, this.#claimant, CLAIM_MS)) return true
    if ((await this.#store.get(key)) !== this.#claimant) return false
    // Left over: the store did what it was asked and we were not told, or could not take it back.
    await this.#store.set(key, this.#claimant, CLAIM_MS)
    return true
  }

  /** @param takenAt milliseconds since the epoch */
  async release({ id }: Redeemable, takenAt: number): Promise<void> {
    // Later the claim may be another process's.
    if (this.#clock.now() - takenAt < CLAIM_MS) await this.#store.delete(keyOf(id))
  }
}

function keyOf(id: string): string {
  return storeKey('claim', id)
}
