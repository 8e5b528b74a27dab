import type { Clock } from '../clock.ts'

const WINDOW_MS = 60_000
const LINES_PER_WINDOW = 30

/**
 * A rate limit for log lines: a flood of refusals must not become a flood of lines (log flooding).
 * What was left out is told as a number when its minute is over.
 */
export class LogRateLimit {
  readonly #clock: Clock
  readonly #tell: (left: number) => void
  #open = false
  #lines = 0

  /** @param tell gets how many lines were left out in a minute, when there were any */
  constructor(clock: Clock, tell: (left: number) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** Whether one more line may be written. */
  spend(): boolean {
    if (!this.#open) this.#begin()
    this.#lines += 1
    return this.#lines <= LINES_PER_WINDOW
  }

  #begin(): void {
    this.#open = true
    this.#lines = 0
    this.#clock.after(WINDOW_MS, () => {
      this.#open = false
      if (this.#lines > LINES_PER_WINDOW) this.#tell(this.#lines - LINES_PER_WINDOW)
    })
  }
}
