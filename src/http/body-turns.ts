import { setImmediate } from 'node:timers/promises'

/** Reading a body takes up to 20 ms a megabyte; shorter ones wait for nobody. */
const LONG_BODY_BYTES = 65_536

/**
 * Long bodies are read one in each turn of the event loop, so that many that arrive together hold up
 * everybody else no longer than one of them does (denial of service).
 */
export class BodyTurns {
  #last: Promise<void> = Promise.resolve()

  /** Calls `read` when a body of this many bytes may be read: at once unless it is long. */
  take(bytes: number, read: () => void): void {
    if (bytes < LONG_BODY_BYTES) read()
    else this.#last = this.#last.then(() => setImmediate()).then(read)
  }
}
