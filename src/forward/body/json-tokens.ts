const DIGITS = '0123456789'
const NO_STATE = 255

/** RFC 8259 §6 as states: 1 sign, 2 zero, 3 digits, 4 point, 5 fraction, 6 e, 7 its sign, 8 exponent. */
const rows: readonly (readonly [from: number, characters: string, to: number])[] = [
  [0, '-', 1],
  [0, '0', 2],
  [0, '123456789', 3],
  [1, '0', 2],
  [1, '123456789', 3],
  [2, '.', 4],
  [2, 'eE', 6],
  [3, DIGITS, 3],
  [3, '.', 4],
  [3, 'eE', 6],
  [4, DIGITS, 5],
  [5, DIGITS, 5],
  [5, 'eE', 6],
  [6, '+-', 7],
  [6, DIGITS, 8],
  [7, DIGITS, 8],
  [8, DIGITS, 8],
]

const table = new Uint8Array(9 * 256).fill(NO_STATE)
for (const [from, characters, to] of rows) {
  for (const byte of Buffer.from(characters)) table[from * 256 + byte] = to
}

/**
 * One step through a JSON number, from state 0.
 *
 * @returns the next state; `undefined` when this byte is no part of the number
 */
export function nextNumberState(state: number, byte: number): number | undefined {
  const next = table[state * 256 + byte]
  return next === NO_STATE ? undefined : next
}

/** Whether a number may end in this state. */
export function isWholeNumber(state: number): boolean {
  return state === 2 || state === 3 || state === 5 || state === 8
}

/** The white space of JSON, which is less than Unicode's. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

const END_OF_PLAIN = new Uint8Array(256).fill(1, 0, 0x20)
for (const byte of Buffer.from('"\\')) END_OF_PLAIN[byte] = 1

/** Where the bytes end that stand for themselves in a string: at a quote, a backslash, a control. */
export function endOfPlain(piece: Buffer, from: number): number {
  const end = piece.length
  let at = from
  while (at < end && END_OF_PLAIN[piece[at] as number] === 0) at += 1
  return at
}

/** A digit of `\u006e`. */
export function isHex(byte: number): boolean {
  const lower = byte | 0x20 // folds letters, and leaves digits apart
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66)
}

const escapes: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'))

/** What may follow a backslash, but for `u`. */
export function isEscape(byte: number): boolean {
  return escapes.has(byte)
}
