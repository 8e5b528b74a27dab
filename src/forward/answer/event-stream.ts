/** What a stream of server-sent events tells of its events; bytes as they came. */
export interface EventVisitor {
  /** A part of an event's data; several lines of data count as one text. */
  data(part: Buffer): void
  /** An event ended. */
  end(): void
}

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const DATA = Buffer.from('data:')

const LINE_START = 0
/** Some bytes of `data:` were read. */
const MAYBE_DATA = 1
const DATA_START = 2
const IN_DATA = 3
const OTHER = 4
const COMMENT = 5

/**
 * Reads server-sent events (WHATWG HTML §9.2.6) from the bytes that pass by, with nothing held: lines
 * end with LF, CR or CRLF, wherever pieces are cut. eventsource-parser would hold an event until it is
 * whole, and cannot say whether one has begun.
 */
export class EventStream {
  readonly #visitor: EventVisitor
  #state = LINE_START
  /** Bytes of `data:` that were read. */
  #matched = 0
  #afterCr = false
  #inEvent = false

  constructor(visitor: EventVisitor) {
    this.#visitor = visitor
  }

  /** Whether nothing of an event was read since the last one ended: a comment may stand here. */
  get betweenEvents(): boolean {
    return !this.#inEvent && this.#state === LINE_START
  }

  push(piece: Buffer): void {
    let at = 0
    while (at < piece.length) at = this.#step(piece, at)
  }

  #step(piece: Buffer, at: number): number {
    const byte = piece[at] as number
    if (this.#afterCr) {
      this.#afterCr = false
      if (byte === LF) return at + 1
    }
    if (byte === LF || byte === CR) {
      this.#afterCr = byte === CR
      this.#endLine()
      return at + 1
    }
    switch (this.#state) {
      case LINE_START:
      case MAYBE_DATA:
        this.#field(byte)
        return at + 1
      case DATA_START:
        this.#state = IN_DATA
        return byte === SPACE ? at + 1 : at
      default:
        return this.#rest(piece, at)
    }
  }

  #field(byte: number): void {
    if (this.#state === LINE_START) {
      this.#matched = 0
      if (byte === 0x3a) {
        this.#state = COMMENT
        return
      }
      this.#inEvent = true
    }
    if (byte !== DATA[this.#matched]) {
      this.#state = OTHER
      return
    }
    this.#matched += 1
    this.#state = this.#matched === DATA.length ? DATA_START : MAYBE_DATA
  }

  #rest(piece: Buffer, at: number): number {
    const end = lineEnd(piece, at)
    if (this.#state === IN_DATA) this.#visitor.data(piece.subarray(at, end))
    return end
  }

  #endLine(): void {
    if (this.#state === LINE_START && this.#inEvent) {
      this.#inEvent = false
      this.#visitor.end()
    }
    this.#state = LINE_START
  }
}

function lineEnd(piece: Buffer, from: number): number {
  for (let at = from; at < piece.length; at += 1) {
    const byte = piece[at]
    if (byte === LF || byte === CR) return at
  }
  return piece.length
}
