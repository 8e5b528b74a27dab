import type { Clock } from '../clock.ts'
import type { RefreshingDocument } from './documents/refreshing-document.ts'
import type { KeySet } from './key-set.ts'

/** Milliseconds from the beginning of one fetch for an unknown key to that of the next. */
const INTERVAL_MS = 30_000

/**
 * The only fetch of the key set that a request can cause. After a key rotation the first token of the
 * new key finds it here, before the hourly refresh. Anybody can make up a `kid`, so there is a rate
 * limit against flooding the provider: one fetch in 30 s, whose result all that ask meanwhile share.
 */
export class UnknownKeyFetch {
  readonly #clock: Clock
  readonly #keySet: RefreshingDocument<KeySet>
  #allowedAt = Number.NEGATIVE_INFINITY
  #running: Promise<void> | undefined

  constructor(clock: Clock, keySet: RefreshingDocument<KeySet>) {
    this.#clock = clock
    this.#keySet = keySet
  }

  /** Milliseconds until the next fetch may begin; 0 when it may begin now. */
  allowedIn(): number {
    return Math.max(0, this.#allowedAt - this.#clock.now())
  }

  /**
   * Fetches the key set, or joins the fetch that runs for others, or does nothing while none is
   * allowed. What came of it is in the key set; never rejects.
   */
  async run(): Promise<void> {
    if (this.#running) return this.#running
    if (this.allowedIn() > 0) return
    this.#allowedAt = this.#clock.now() + INTERVAL_MS
    this.#running = this.#fetch().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  async #fetch(): Promise<void> {
    // A background fetch that is under way may have begun before the key was published.
    await this.#keySet.inFlight()
    await this.#keySet.refresh()
  }
}
