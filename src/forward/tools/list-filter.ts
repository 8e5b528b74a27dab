import { EventStream } from '../answer/event-stream.ts'
import { type PageJudge, ToolListScan, withVisibleTools } from './tool-lists.ts'

/** What happens to the bytes of an answer on their way to the client. */
export interface AnswerFilter {
  /** @returns what passes now; `undefined`: the answer has to break off */
  push(piece: Buffer): Buffer | undefined
  /** @returns what passes at the end of the upstream's answer */
  end(): Buffer | undefined
}

/** A list of tools beyond is none that a model could read. */
const MOST_LIST_BYTES = 4 * 1_048_576

const NOTHING = Buffer.alloc(0)

/**
 * A JSON answer, held until it is whole.
 *
 * @param failure the JSON-RPC text that goes to the client in place of a list that cannot be read (fail
 *   closed)
 */
export function jsonListFilter(judge: PageJudge, failure: string): AnswerFilter {
  const scan = new ToolListScan()
  let held: Buffer[] = []
  let bytes = 0
  return {
    push(piece) {
      bytes += piece.length
      if (bytes > MOST_LIST_BYTES) held = []
      else {
        held.push(piece)
        scan.push(piece)
      }
      return NOTHING
    },
    end() {
      if (bytes === 0) return NOTHING
      const lists = bytes > MOST_LIST_BYTES ? undefined : scan.finish()
      if (lists === undefined) return Buffer.from(failure)
      return withVisibleTools(Buffer.concat(held), lists, judge)
    },
  }
}

/**
 * An event stream, event by event: each is held until it is whole, and passes byte for byte unless a
 * list of tools is in it. One that grows beyond {@link MOST_LIST_BYTES} passes in pieces for as long as
 * it is JSON and no list has begun in it, and the answer breaks off where one does.
 *
 * @param failure as for {@link jsonListFilter}; absent: an event that cannot be read is left out
 */
export function eventListFilter(judge: PageJudge, failure: string | undefined): AnswerFilter {
  return new EventListFilter(judge, failure)
}

type EventState = 'held' | 'passing' | 'swallowed'

const LF = 0x0a
const CR = 0x0d
const BYTE_ORDER_MARK = Buffer.from('\ufeff')

class EventListFilter implements AnswerFilter {
  readonly #judge: PageJudge
  readonly #failure: string | undefined
  readonly #events: EventStream
  #scan = new ToolListScan()
  #data: Buffer[] = []
  #lines: Buffer[] = []
  #bytes = 0
  #state: EventState = 'held'
  #ended = false
  #broken = false
  /** Of an event that is too large to be held: whether it looks like a message. */
  #isMessage = false
  /** What may be the beginning of a byte order mark; absent: the stream is past it. */
  #start: Buffer | undefined = NOTHING

  constructor(judge: PageJudge, failure: string | undefined) {
    this.#judge = judge
    this.#failure = failure
    this.#events = new EventStream({
      data: (part) => {
        this.#scan.push(part)
        if (this.#state === 'held') this.#data.push(part)
      },
      end: () => {
        this.#ended = true
      },
    })
  }

  push(received: Buffer): Buffer | undefined {
    const piece = this.#start === undefined ? received : this.#withoutMark(received)
    const passed: Buffer[] = []
    for (let at = 0; at < piece.length; ) {
      const end = lineEnd(piece, at)
      this.#line(piece.subarray(at, end), passed)
      if (this.#broken) return undefined
      at = end
    }
    return Buffer.concat(passed)
  }

  /** Some clients also take an event without the empty line at its end. */
  end(): Buffer | undefined {
    if (this.#state === 'passing') return NOTHING
    this.#ended = true
    return Buffer.concat(this.#state === 'held' ? this.#event() : this.#inPlace())
  }

  /** @param piece a line with its end, or a part of one */
  #line(piece: Buffer, passed: Buffer[]): void {
    this.#events.push(piece)
    if (this.#state === 'passing') this.#pass(piece, passed)
    else if (this.#state === 'held') {
      this.#lines.push(piece)
      this.#bytes += piece.length
      if (this.#bytes > MOST_LIST_BYTES) this.#overflow(passed)
    }
    if (!this.#events.betweenEvents) return
    if (this.#state === 'held') passed.push(...this.#event())
    else if (this.#state === 'swallowed') passed.push(...this.#inPlace())
    this.#next()
  }

  /** Clients take a byte order mark off; left on, the first line would be no `data:`. */
  #withoutMark(received: Buffer): Buffer {
    const start = Buffer.concat([this.#start ?? NOTHING, received])
    const isWhole = start.length >= BYTE_ORDER_MARK.length
    const mayBe = BYTE_ORDER_MARK.subarray(0, start.length).equals(start.subarray(0, 3))
    this.#start = mayBe && !isWhole ? start : undefined
    if (!mayBe) return start
    return isWhole ? start.subarray(BYTE_ORDER_MARK.length) : NOTHING
  }

  #pass(piece: Buffer, passed: Buffer[]): void {
    if (this.#mayHaveList()) this.#broken = true
    else passed.push(piece)
  }

  /** Lenient clients read on where no JSON is (Python takes NaN), and there a list can be. */
  #mayHaveList(): boolean {
    return this.#scan.hasList || (this.#isMessage && !this.#scan.isJson)
  }

  #overflow(passed: Buffer[]): void {
    this.#isMessage = mayBeMessage(Buffer.concat(this.#data))
    if (this.#mayHaveList()) this.#state = 'swallowed'
    else {
      this.#state = 'passing'
      passed.push(...this.#lines)
    }
    this.#lines = []
    this.#data = []
  }

  /** The event that is whole now, or comments between events. */
  #event(): readonly Buffer[] {
    if (!this.#ended || this.#data.length === 0) return this.#lines
    const lists = this.#scan.finish()
    const text = Buffer.concat(this.#data)
    if (lists === undefined) return mayBeMessage(text) ? this.#inPlace() : this.#lines
    if (lists.length === 0) return this.#lines
    const changed = withVisibleTools(text, lists, this.#judge)
    return changed.equals(text) ? this.#lines : this.#with(changed)
  }

  /** The event's lines with another data, which stands where the first line of data did. */
  #with(data: Buffer): readonly Buffer[] {
    const lines = wholeLines(this.#lines)
    const first = lines.findIndex(isData)
    // JSON has line breaks between its tokens alone, where none is needed.
    const text = data.toString().replaceAll(/[\r\n]/g, ' ')
    const line = Buffer.from(`data: ${text}\n`)
    return lines.flatMap((one, index) => {
      if (index === first) return [line]
      return isData(one) ? [] : [one]
    })
  }

  #inPlace(): readonly Buffer[] {
    return this.#failure === undefined ? [] : [Buffer.from(`data: ${this.#failure}\n\n`)]
  }

  #next(): void {
    this.#state = 'held'
    this.#lines = []
    this.#data = []
    this.#bytes = 0
    this.#isMessage = false
    this.#ended = false
    this.#scan = new ToolListScan()
  }
}

/** No JSON-RPC message begins otherwise, however leniently it is read. */
function mayBeMessage(text: Buffer): boolean {
  return /^\s*[[{]/.test(text.toString('utf8'))
}

/** Lines that came in several pieces put together. */
function wholeLines(pieces: readonly Buffer[]): readonly Buffer[] {
  const lines: Buffer[] = []
  const text = Buffer.concat(pieces)
  for (let at = 0; at < text.length; ) {
    const end = lineEnd(text, at)
    const isPair = text[end - 1] === CR && text[end] === LF
    lines.push(text.subarray(at, isPair ? end + 1 : end))
    at = isPair ? end + 1 : end
  }
  return lines
}

function isData(line: Buffer): boolean {
  return /^data(:|[\r\n])/.test(line.toString('utf8', 0, 8))
}

/** After the next line break, or at the end of the piece. */
function lineEnd(piece: Buffer, from: number): number {
  for (let at = from; at < piece.length; at += 1) {
    if (piece[at] === LF || piece[at] === CR) return at + 1
  }
  return piece.length
}
