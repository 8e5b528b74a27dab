import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEnd, writeEnd } from '../../../src/sign-in/sessions/end-entry.ts'
import {
  EndedSessions,
  MOST_FAMILIES,
  type SessionEnd,
} from '../../../src/sign-in/sessions/ended-sessions.ts'
import { familyDigest } from '../../../src/sign-in/sessions/family-digest.ts'
import { SimulatedClock } from '../../support/clock.ts'

const hour = 3_600_000
const [one, other] = [familyDigest('one'), familyDigest('other')]
const [alice, holmes] = [familyDigest('as long as the name of alice'), familyDigest('of holmes')]

function start() {
  const clock = new SimulatedClock()
  const ended = new EndedSessions(clock)
  const session = (family: string, began: number, ...names: string[]) => ({
    family,
    began,
    names: () => names,
  })
  return { clock, ended, session, now: clock.now() }
}

test('a family that ended is over whenever it began, until nothing of it can be good', async () => {
  const { clock, ended, session, now } = start()
  ended.add([{ kind: 'family', family: one, until: now + hour }])
  assert.equal(ended.has(session(one, now)), true)
  assert.equal(ended.has(session(other, now)), false)
  await clock.advance(hour + 2)
  assert.equal(ended.has(session(one, now)), false)
})

test("an owner's sessions are over when they began before, and later ones are not", () => {
  const { ended, session, now } = start()
  ended.add([{ kind: 'owner', name: alice, before: now, until: now + hour }])
  for (const [began, names, over] of [
    [now - 1, [alice, holmes], true],
    [now - 1, [holmes, alice], true],
    [now, [alice, holmes], false],
    [now - 1, [holmes], false],
  ] as const) {
    assert.equal(ended.has(session(one, began, ...names)), over, String([began, ...names]))
  }
  ended.add([{ kind: 'owner', name: alice, before: now - hour, until: now + hour }])
  assert.equal(
    ended.has(session(one, now - 1, alice)),
    true,
    'an earlier moment takes nothing back',
  )
})

test('names are not asked for where no owner was ended: nothing is computed for usual requests', () => {
  const { ended, now } = start()
  ended.add([{ kind: 'family', family: one, until: now + hour }])
  const names = () => assert.fail('they were asked for')
  assert.equal(ended.has({ family: other, began: now, names }), false)
})

test('what is news is told once, and what is known, or over already, is not', () => {
  const { ended, now } = start()
  let told = 0
  const stop = ended.onEnd(() => {
    told += 1
  })
  const end: SessionEnd = { kind: 'family', family: one, until: now + hour }
  ended.add([end, { kind: 'family', family: other, until: now + hour }])
  ended.add([end])
  ended.add([{ kind: 'family', family: alice, until: now }])
  assert.equal(told, 1)
  ended.add([{ kind: 'owner', name: alice, before: now, until: now + hour }])
  assert.equal(told, 2)
  stop()
  ended.add([{ kind: 'owner', name: holmes, before: now, until: now + hour }])
  assert.equal(told, 2)
})

test('it is bounded: single ends push out the oldest of their kind, and never those of owners', () => {
  const { ended, session, now } = start()
  ended.add([{ kind: 'owner', name: alice, before: now, until: now + hour }])
  ended.add([{ kind: 'family', family: one, until: now + hour }])
  const flood = Array.from({ length: MOST_FAMILIES }, (_, i) => familyDigest(String(i)))
  ended.add(flood.map((family) => ({ kind: 'family', family, until: now + hour })))
  assert.equal(ended.has(session(one, now)), false)
  assert.equal(ended.has(session(flood.at(-1) ?? '', now)), true)
  assert.equal(ended.has(session(one, now - 1, alice)), true)
})

test('an end is written and read to the same, and what is none is nothing', () => {
  const until = Date.parse('2026-03-02T12:00:00Z')
  const ends: SessionEnd[] = [
    { kind: 'family', family: one, until },
    { kind: 'owner', name: alice, before: until - hour, until },
  ]
  for (const end of ends) assert.deepEqual(readEnd(writeEnd(end)), end)
  for (const text of ['', 'family', `family ${one}`, `family ${one} -1`, `family ${one} 1 2`]) {
    assert.equal(readEnd(text), undefined, text)
  }
  for (const text of [`family x ${until}`, `owner ${alice} 1e3 ${until}`, `else ${one} ${until}`]) {
    assert.equal(readEnd(text), undefined, text)
  }
})
