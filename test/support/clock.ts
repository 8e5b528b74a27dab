import { type Clock, systemClock } from '../../src/clock.ts'

interface Timer {
  readonly at: number
  readonly run: () => void
}

/**
 * A clock that moves only when told to. Timers fire in order, each at its own time; after each,
 * `settled` is awaited, so that what a timer began over real sockets ends at that time.
 */
export class SimulatedClock implements Clock {
  #now: number
  readonly #timers = new Set<Timer>()
  #settled: () => Promise<void>

  constructor(now = Date.parse('2026-03-01T12:00:00Z'), settled: () => Promise<void> = turn) {
    this.#now = now
    this.#settled = settled
  }

  /** What to await after each timer; the default is one turn of the event loop. */
  settleWith(settled: () => Promise<void>): void {
    this.#settled = settled
  }

  now(): number {
    return this.#now
  }

  after(delay: number, run: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delay), run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets this many milliseconds pass. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    await this.#settled()
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#timers.delete(timer)
      this.#now = Math.max(this.#now, timer.at)
      timer.run()
      await this.#settled()
    }
    this.#now = end
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= end && (!next || timer.at < next.at)) next = timer
    }
    return next
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Now is now, and what is due later comes twenty times sooner. */
export const hurried: Clock = {
  now: () => systemClock.now(),
  after: (milliseconds, run) => systemClock.after(milliseconds / 20, run),
}
