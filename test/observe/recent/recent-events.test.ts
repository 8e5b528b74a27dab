import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Occurrences } from '../../../src/observe/recent/occurrences.ts'
import { Traffic } from '../../../src/observe/recent/traffic.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const NOON = Date.parse('2026-03-01T12:00:00Z')

test('what happens again is counted, and what has not for an hour is forgotten', () => {
  const events = new Occurrences<{ readonly what: string }>(({ what }) => what)
  events.note({ what: 'a' }, NOON)
  events.note({ what: 'b' }, NOON + 1)
  events.note({ what: 'a' }, NOON + 2)
  assert.deepEqual(
    events.list(NOON + 3).map(({ facts, count, first, last }) => [facts.what, count, first, last]),
    [
      ['a', 2, NOON, NOON + 2],
      ['b', 1, NOON + 1, NOON + 1],
    ],
  )
  assert.deepEqual(events.list(NOON + 2 + HOUR_MS).length, 1)
  assert.deepEqual(events.list(NOON + 3 + HOUR_MS), [])
  events.note({ what: 'a' }, NOON + 2 * HOUR_MS)
  assert.equal(events.list(NOON + 2 * HOUR_MS)[0]?.count, 1)
})

test('of kinds that come from outside fifty are kept, the latest', () => {
  const events = new Occurrences<{ readonly what: string }>(({ what }) => what)
  for (let kind = 0; kind < 10_000; kind += 1) events.note({ what: String(kind) }, NOON + kind)
  const kept = events.list(NOON + 10_000)
  assert.equal(kept.length, 50)
  assert.equal(kept[0]?.facts.what, '9999')
})

test('traffic is told by the minute, for an hour, whatever passed between', () => {
  const traffic = new Traffic()
  traffic.count('served', NOON)
  traffic.count('served', NOON + 59_999)
  traffic.count('refused', NOON + MINUTE_MS)
  traffic.count('failed', NOON + 10 * MINUTE_MS)
  const minutes = traffic.minutes(NOON + 10 * MINUTE_MS)
  assert.equal(minutes.length, 60)
  assert.deepEqual(minutes.at(-1), { served: 0, refused: 0, failed: 1 })
  assert.deepEqual(minutes.at(-10), { served: 0, refused: 1, failed: 0 })
  assert.deepEqual(minutes.at(-11), { served: 2, refused: 0, failed: 0 })
  const totals = (at: number) =>
    traffic
      .minutes(at)
      .reduce((sum, { served, refused, failed }) => sum + served + refused + failed, 0)
  assert.equal(totals(NOON + 59 * MINUTE_MS), 4)
  assert.equal(totals(NOON + 60 * MINUTE_MS), 2)
  assert.equal(totals(NOON + 300 * MINUTE_MS), 0)
})

test('a clock that is set back loses nothing and counts on', () => {
  const traffic = new Traffic()
  traffic.count('served', NOON)
  traffic.count('served', NOON - 5 * MINUTE_MS)
  const served = traffic.minutes(NOON).reduce((sum, minute) => sum + minute.served, 0)
  assert.equal(served, 2)
})
