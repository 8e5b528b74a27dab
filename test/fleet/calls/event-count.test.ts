import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventCount } from '../../../src/fleet/calls/event-count.ts'

const rows: readonly [stream: string, events: number][] = [
  ['', 0],
  ['data: 1\n', 0],
  ['data: 1\n\n', 1],
  ['event: message\ndata: 1\n\ndata: 2\n\n', 2],
  ['event: message\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n', 2],
  ['data: 1\r\rdata: 2\r\r', 2],
  ['data: 1\n\r\ndata: 2\r\n\n', 2],
]

for (const [stream, events] of rows) {
  test(`events of ${JSON.stringify(stream)}`, () => {
    const whole = new EventCount()
    whole.push(Buffer.from(stream))
    assert.equal(whole.count, events)
    const pieces = new EventCount()
    for (const byte of Buffer.from(stream)) pieces.push(Buffer.of(byte))
    assert.equal(pieces.count, events)
  })
}
