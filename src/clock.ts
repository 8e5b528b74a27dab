/**
 * Time, as the parts with timers see it. Judgements take `now` as a plain number instead; this is
 * for the edges, so that a test can let an hour pass at once.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `run` once after `delay` milliseconds. The returned function cancels it. */
  after(delay: number, run: () => void): () => void
}

/** The machine's own clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, run) {
    const timer = setTimeout(run, delay)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
