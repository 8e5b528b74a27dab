import {
  endOfPlain,
  isEscape,
  isHex,
  isSpace,
  isWholeNumber,
  nextNumberState,
} from './json-tokens.ts'
import type { JsonKind, JsonVisitor } from './json-visitor.ts'
import { knownNameAt } from './known-names.ts'

export interface JsonScanOptions {
  /** What stands at a further level is checked, and not told. */
  readonly deepest: number
  /** Bytes. A longer name is told as an empty one, so that it need not be held. */
  readonly longestName?: number
}

/** Levels. As Go's encoding/json has it; parsers that recurse do not survive much more. */
const DEEPEST_NESTING = 10_000

const VALUE = 0
const FIRST_ITEM = 1
const FIRST_MEMBER = 2
const MEMBER = 3
const COLON = 4
const NEXT = 5
const STRING = 6
const ESCAPE = 7
const HEX = 8
const NUMBER = 9
const LITERAL = 10
const DONE = 11
const FAILED = 12

/**
 * Reads a JSON text (RFC 8259) in pieces, as they come. Linear in its bytes, with memory for its
 * nesting alone: no value is built, so that depth, hash flooding and a million members cost no more
 * than their bytes. Takes what `JSON.parse` takes, up to 10,000 levels.
 *
 * Not checked: UTF-8, and whether names repeat, which is the visitor's to ask.
 */
export class JsonScanner {
  readonly #visitor: JsonVisitor
  readonly #deepest: number
  readonly #longestName: number
  #expect = VALUE
  /** Of each open container. */
  readonly #kinds: ('object' | 'array')[] = []
  readonly #begins: number[] = []
  #level = 0
  /** Bytes before the piece that is read. */
  #before = 0
  /** Where the string, number or literal that is read begins. */
  #from = 0
  #isName = false
  #held: Buffer[] = []
  #heldBytes = 0
  /** How far a literal or an escape was read; of a number: its state. */
  #progress = 0
  #literal: 'true' | 'false' | 'null' = 'null'

  constructor(visitor: JsonVisitor, { deepest, longestName = Infinity }: JsonScanOptions) {
    this.#visitor = visitor
    this.#deepest = deepest
    this.#longestName = longestName
  }

  /**
   * Takes the next piece.
   *
   * @returns false once the text is no JSON; nothing further is read then
   */
  push(piece: Buffer): boolean {
    let at = 0
    while (at < piece.length && this.#expect !== FAILED) at = this.#step(piece, at)
    const inName = this.#isName && this.#expect >= STRING && this.#expect <= HEX
    if (inName) this.#hold(piece, piece.length)
    this.#before += piece.length
    return this.#expect !== FAILED
  }

  /** Ends the text: whether it was one whole JSON text. */
  finish(): boolean {
    if (this.#expect === NUMBER) this.#endNumber(this.#before)
    return this.#expect === DONE
  }

  /** For visitors: reads no further; `push` and `finish` answer false. */
  stop(): void {
    this.#expect = FAILED
  }

  #step(piece: Buffer, at: number): number {
    switch (this.#expect) {
      case STRING:
        return this.#string(piece, at)
      case NUMBER:
        return this.#number(piece, at)
      case ESCAPE:
        this.#escape(piece[at] as number)
        return at + 1
      case HEX:
        this.#hex(piece[at] as number)
        return at + 1
      case LITERAL:
        this.#literalRest(piece[at] as number, at)
        return at + 1
      default:
        return this.#betweenTokens(piece, at)
    }
  }

  #betweenTokens(piece: Buffer, from: number): number {
    let at = from
    while (at < piece.length && isSpace(piece[at] as number)) at += 1
    if (at === piece.length) return at
    this.#structure(piece[at] as number, at)
    return this.#expect === NUMBER ? at : at + 1
  }

  #structure(byte: number, at: number): void {
    switch (this.#expect) {
      case NEXT:
        this.#next(byte, at)
        break
      case VALUE:
        this.#value(byte, at)
        break
      case FIRST_ITEM:
        if (byte === 0x5d) this.#close('array', at)
        else this.#value(byte, at)
        break
      case FIRST_MEMBER:
        if (byte === 0x7d) this.#close('object', at)
        else this.#beginString(byte, at, true)
        break
      case MEMBER:
        this.#beginString(byte, at, true)
        break
      case COLON:
        this.#expect = byte === 0x3a ? VALUE : FAILED
        break
      default:
        this.#expect = FAILED
    }
  }

  #next(byte: number, at: number): void {
    const inside = this.#kinds[this.#level - 1]
    if (byte === 0x2c) this.#expect = inside === 'object' ? MEMBER : VALUE
    else if (byte === 0x7d && inside === 'object') this.#close('object', at)
    else if (byte === 0x5d && inside === 'array') this.#close('array', at)
    else this.#expect = FAILED
  }

  #value(byte: number, at: number): void {
    switch (byte) {
      case 0x22:
        this.#beginString(byte, at, false)
        break
      case 0x7b:
        this.#open('object', at)
        break
      case 0x5b:
        this.#open('array', at)
        break
      case 0x74:
        this.#beginLiteral('true', at)
        break
      case 0x66:
        this.#beginLiteral('false', at)
        break
      case 0x6e:
        this.#beginLiteral('null', at)
        break
      default:
        this.#begin(nextNumberState(0, byte) === undefined ? FAILED : NUMBER, at)
    }
  }

  #begin(expect: number, at: number): void {
    this.#expect = expect
    this.#from = this.#before + at
    this.#progress = 0
  }

  #end(kind: JsonKind, from: number, to: number): void {
    this.#expect = this.#level === 0 ? DONE : NEXT
    if (this.#level <= this.#deepest) this.#visitor.end(this.#level, kind, from, to)
  }

  #open(kind: 'object' | 'array', at: number): void {
    if (this.#level === DEEPEST_NESTING) {
      this.#expect = FAILED
      return
    }
    this.#kinds[this.#level] = kind
    this.#expect = kind === 'object' ? FIRST_MEMBER : FIRST_ITEM
    if (this.#level <= this.#deepest) {
      this.#begins[this.#level] = this.#before + at
      this.#visitor.begin?.(this.#level, kind)
    }
    this.#level += 1
  }

  #close(kind: 'object' | 'array', at: number): void {
    this.#level -= 1
    this.#end(kind, this.#begins[this.#level] ?? 0, this.#before + at + 1)
  }

  #beginString(byte: number, at: number, isName: boolean): void {
    this.#begin(byte === 0x22 ? STRING : FAILED, at)
    this.#isName = isName
    if (this.#heldBytes > 0 || this.#held.length > 0) this.#held = []
    this.#heldBytes = 0
  }

  #string(piece: Buffer, from: number): number {
    const at = endOfPlain(piece, from)
    if (at === piece.length) return at
    const byte = piece[at]
    if (byte === 0x22) this.#endString(piece, at)
    else this.#expect = byte === 0x5c ? ESCAPE : FAILED
    return at + 1
  }

  #endString(piece: Buffer, at: number): void {
    if (!this.#isName) {
      this.#end('string', this.#from, this.#before + at + 1)
      return
    }
    this.#expect = COLON
    if (this.#level > this.#deepest) return
    this.#visitor.member(this.#level, this.#name(piece, at))
  }

  /** Keeps what a piece has of a name, which may come in several. */
  #hold(piece: Buffer, to: number): void {
    if (this.#level > this.#deepest) return
    const part = piece.subarray(Math.max(0, this.#from + 1 - this.#before), to)
    this.#heldBytes += part.length
    if (this.#heldBytes <= this.#longestName) this.#held.push(part)
    else this.#held = []
  }

  /** The name that ends here; one that came in a single piece is read where it stands. */
  #name(piece: Buffer, to: number): string {
    const from = this.#from + 1 - this.#before
    if (from < 0 || this.#held.length > 0) this.#hold(piece, to)
    const bytes = this.#heldBytes > 0 ? this.#heldBytes : to - from
    if (bytes > this.#longestName) return ''
    if (this.#heldBytes === 0) {
      const known = knownNameAt(piece, from, to)
      if (known !== undefined) return known
    }
    const text =
      this.#heldBytes > 0 ? Buffer.concat(this.#held).toString() : piece.toString('utf8', from, to)
    return text.includes('\\') ? JSON.parse(`"${text}"`) : text
  }

  #escape(byte: number): void {
    this.#progress = 0
    if (byte === 0x75) this.#expect = HEX
    else this.#expect = isEscape(byte) ? STRING : FAILED
  }

  #hex(byte: number): void {
    this.#progress += 1
    if (!isHex(byte)) this.#expect = FAILED
    else if (this.#progress === 4) this.#expect = STRING
  }

  #beginLiteral(literal: 'true' | 'false' | 'null', at: number): void {
    this.#begin(LITERAL, at)
    this.#literal = literal
    this.#progress = 1
  }

  #literalRest(byte: number, at: number): void {
    if (byte !== this.#literal.charCodeAt(this.#progress)) {
      this.#expect = FAILED
      return
    }
    this.#progress += 1
    if (this.#progress < this.#literal.length) return
    this.#end(this.#literal, this.#from, this.#before + at + 1)
  }

  #number(piece: Buffer, from: number): number {
    for (let at = from; at < piece.length; at += 1) {
      const next = nextNumberState(this.#progress, piece[at] as number)
      if (next === undefined) {
        this.#endNumber(this.#before + at)
        return at
      }
      this.#progress = next
    }
    return piece.length
  }

  #endNumber(to: number): void {
    if (isWholeNumber(this.#progress)) this.#end('number', this.#from, to)
    else this.#expect = FAILED
  }
}
