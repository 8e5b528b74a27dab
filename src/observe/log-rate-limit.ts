import type { Clock } from '../clock.ts'

const WINDOW = 60_000
const LINES = 30

/**
 * So many lines a minute, so that a flood of refusals does not become a flood of log lines. What was
 * left out is told as a number when its minute is over.
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
    return this.#lines <= LINES
  }

  #begin(): void {
    this.#open = true
    this.#lines = 0
    this.#clock.after(WINDOW, () => {
      this.#open = false
      if (this.#lines > LINES) this.#tell(this.#lines - LINES)
    })
  }
}
