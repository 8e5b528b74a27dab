const MINUTE_MS = 60_000
const MINUTES = 60

/** Requests of one minute: `served` went up and came back, `failed` is ours or the upstream's trouble. */
export interface TrafficMinute {
  readonly served: number
  readonly refused: number
  readonly failed: number
}

export type TrafficKind = keyof TrafficMinute

/** How many requests each minute of the last hour had: a ring, so that its size never changes. */
export class Traffic {
  readonly #counts = {
    served: new Uint32Array(MINUTES),
    refused: new Uint32Array(MINUTES),
    failed: new Uint32Array(MINUTES),
  }
  /** Minutes since the epoch. */
  #minute = 0

  /** @param now milliseconds since the epoch */
  count(kind: TrafficKind, now: number): void {
    const minute = Math.floor(now / MINUTE_MS)
    if (minute !== this.#minute) this.#turnTo(minute)
    const counts = this.#counts[kind]
    const at = minute % MINUTES
    counts[at] = (counts[at] ?? 0) + 1
  }

  /** The minutes of the last hour, the one that runs last. */
  minutes(now: number): readonly TrafficMinute[] {
    const minute = Math.floor(now / MINUTE_MS)
    this.#turnTo(minute)
    const { served, refused, failed } = this.#counts
    return Array.from({ length: MINUTES }, (_, back) => {
      const at = (minute + 1 + back) % MINUTES
      return { served: served[at] ?? 0, refused: refused[at] ?? 0, failed: failed[at] ?? 0 }
    })
  }

  /** Empties the minutes between; a clock that was set back keeps what there is. */
  #turnTo(minute: number): void {
    const passed = Math.min(MINUTES, Math.max(0, minute - this.#minute))
    for (let back = 0; back < passed; back += 1) {
      const at = (minute - back) % MINUTES
      for (const counts of Object.values(this.#counts)) counts[at] = 0
    }
    this.#minute = Math.max(minute, this.#minute)
  }
}
