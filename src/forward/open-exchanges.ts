import type { Clock } from '../clock.ts'

/** A stream that a client holds open, and how it ends cleanly. */
export interface OpenStream {
  /** Milliseconds since the epoch: the end of the token it was opened with. */
  readonly expiresAt: number
  end(): void
}

const SWEEP_EVERY_MS = 10_000

/**
 * The streams that outlive their request's judgement: each is ended within seconds of its token's
 * end, so that the client comes back with a fresh one. One timer for all: a stream costs an entry.
 */
export class OpenStreams {
  readonly #streams = new Set<OpenStream>()
  readonly #clock: Clock
  #stopSweeping: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#streams.size
  }

  add(stream: OpenStream): void {
    this.#streams.add(stream)
    this.#stopSweeping ??= this.#clock.after(SWEEP_EVERY_MS, () => this.#sweep())
  }

  remove(stream: OpenStream): void {
    this.#streams.delete(stream)
  }

  /** Ends every stream, for a stop. */
  endAll(): void {
    for (const stream of this.#streams) stream.end()
  }

  #sweep(): void {
    this.#stopSweeping = undefined
    const now = this.#clock.now()
    for (const stream of this.#streams) {
      if (stream.expiresAt <= now) stream.end()
    }
    if (this.#streams.size > 0) {
      this.#stopSweeping = this.#clock.after(SWEEP_EVERY_MS, () => this.#sweep())
    }
  }
}
