const FAILURES_UNTIL_ALONE = 3
const LEFT_ALONE_MS = 10_000

/**
 * Whether a cluster is worth a call: after some failures of the transport in a row it is left alone
 * for a while, then one call tries it (a circuit breaker, half open). What the cluster answers, an
 * error of a tool or a 4xx, is no failure of it, nor is a client that leaves.
 */
export class ClusterHealth {
  #failures = 0
  #aloneUntil = 0
  #isTried = false

  /**
   * Asked before each call. The one call that tries a cluster left alone must end in `succeeded`,
   * `failed` or `undecided`.
   *
   * @param now milliseconds since the epoch
   */
  mayCall(now: number): boolean {
    if (this.#failures < FAILURES_UNTIL_ALONE) return true
    if (now < this.#aloneUntil || this.#isTried) return false
    this.#isTried = true
    return true
  }

  get isLeftAlone(): boolean {
    return this.#failures >= FAILURES_UNTIL_ALONE
  }

  succeeded(): void {
    this.#failures = 0
    this.#isTried = false
  }

  failed(now: number): void {
    this.#failures += 1
    this.#aloneUntil = now + LEFT_ALONE_MS
    this.#isTried = false
  }

  /** The call ended, and says nothing of the cluster. */
  undecided(): void {
    this.#isTried = false
  }
}
