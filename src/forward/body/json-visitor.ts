export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null'

/**
 * What a scan tells of a text. A level is the number of containers around something: the text's own
 * value stands at 0, the members of its object at 1.
 */
export interface JsonVisitor {
  /** A member's name, decoded, before its value. */
  member(level: number, name: string): void
  /** A container begins; `level` is its own. */
  begin?(level: number, kind: 'object' | 'array'): void
  /** A value ended. `from` and `to` count bytes from the beginning of the text; `to` is not in it. */
  end(level: number, kind: JsonKind, from: number, to: number): void
}
