import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventStream } from '../../../src/forward/answer/event-stream.ts'

/** The data of each event, of bytes that come in pieces of this size, and where a comment may stand. */
function read(text: string, pieceBytes: number) {
  const events: string[] = []
  const between: number[] = []
  let data = ''
  const stream = new EventStream({
    data(part) {
      data += part.toString('latin1')
    },
    end() {
      events.push(data)
      data = ''
    },
  })
  const bytes = Buffer.from(text, 'latin1')
  if (stream.betweenEvents) between.push(0)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    stream.push(bytes.subarray(at, at + pieceBytes))
    if (stream.betweenEvents) between.push(Math.min(at + pieceBytes, bytes.length))
  }
  return { events, between }
}

const rows: readonly (readonly [string, string, readonly string[]])[] = [
  ['LF', 'data: a\n\ndata: b\n\n', ['a', 'b']],
  ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
  ['CR', 'data: a\r\rdata: b\r\r', ['a', 'b']],
  ['all of them', 'data: a\r\n\ndata: b\n\r\ndata: c\r\r', ['a', 'b', 'c']],
  ['several lines of data', 'data: a\ndata:b\ndata:  c\n\n', ['ab c']],
  ['other fields', 'event: x\nid: 1\ndata: a\nretry: 5\n\n', ['a']],
  ['names that begin alike', 'dat: a\ndatax: b\ndata : c\ndata: d\n\n', ['d']],
  ['data without a colon', 'data\ndata: a\n\n', ['a']],
  ['comments', ': data: no\n\ndata: a\n: data: no\n\n:\n', ['a']],
  ['an event that does not end', 'data: a\n', []],
  ['empty data', 'data:\n\ndata: \n\n', ['', '']],
]
for (const [name, text, expected] of rows) {
  test(`events are told wherever pieces are cut: ${name}`, () => {
    for (const pieceBytes of [1, 2, 3, 5, 1000]) {
      assert.deepEqual(read(text, pieceBytes).events, expected, `pieces of ${pieceBytes}`)
    }
  })
}

const boundaries: readonly (readonly [string, readonly number[]])[] = [
  ['data: a\n\ndata: b\n\n', [0, 9, 18]],
  ['data: a\r\n\r\n', [0, 10, 11]], // a CR alone ends a line, too
  ['data: a\r\r', [0, 9]],
  [': c\ndata: a\n\n', [0, 4, 13]],
  ['\n\n', [0, 1, 2]],
  ['id: 1\n', [0]],
  [': half a comment', [0]],
  ['dat', [0]],
]
for (const [text, expected] of boundaries) {
  test(`a comment may stand in ${JSON.stringify(text)} at ${expected.join()} alone`, () => {
    assert.deepEqual(read(text, 1).between, expected)
  })
}
