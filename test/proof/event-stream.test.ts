import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventStreamReader } from '../../src/proof/event-stream.ts'

const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['one event', ['data: a\n\n'], ['a']],
  ['line ends of every kind', ['data: a\r\n\r\ndata: b\n\ndata: c\r\rx'], ['a', 'b', 'c']],
  ['an event in pieces', ['da', 'ta: a', 'b\n', '\n'], ['ab']],
  ['a line end in two pieces', ['data: a\r', '\n\r', '\n'], ['a']],
  ['several lines of data', ['data: a\ndata:b\ndata\n\n'], ['a\nb\n']],
  ['comments, names and ids are passed over', [': c\nevent: x\nid: 1\ndata: a\n\n'], ['a']],
  ['an event without data is none', ['event: x\n\n'], []],
  ['an event that did not end is none', ['data: a\n'], []],
]

for (const [name, pieces, expected] of rows) {
  test(name, () => {
    const reader = new EventStreamReader()
    assert.deepEqual(
      pieces.flatMap((piece) => reader.push(piece)),
      expected,
    )
  })
}
