const LF = 10
const CR = 13

/** Counts the events of a stream by the empty lines that end them, however the lines end (WHATWG SSE). */
export class EventCount {
  count = 0
  #before = LF
  /** Whether the line so far is. */
  #isEmpty = false

  push(bytes: Uint8Array): void {
    let isEmpty = this.#isEmpty
    let before = this.#before
    for (const byte of bytes) {
      if (byte === CR || (byte === LF && before !== CR)) {
        if (isEmpty) this.count += 1
        isEmpty = true
      } else if (byte !== LF) isEmpty = false
      before = byte
    }
    this.#isEmpty = isEmpty
    this.#before = before
  }
}
