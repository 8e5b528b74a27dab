import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KnownMember, KnownMembers } from '../../../src/fleet/calls/known-members.ts'
import { SimulatedClock } from '../../support/clock.ts'

const session = (sessionId: string): KnownMember => {
  return { era: 'legacy', sessionId, serverVersion: undefined, capabilities: undefined }
}

test('a user who opens sessions without end forgets their own, and nobody else any', () => {
  const forgotten: unknown[] = []
  const members = new KnownMembers(new SimulatedClock(), (known) =>
    forgotten.push(known.era === 'legacy' && known.sessionId),
  )
  members.set('bob', session('bob'), 'bob')
  for (let at = 0; at < 2_000; at += 1) members.set(`alice ${at}`, session(`alice ${at}`), 'alice')
  assert.equal(forgotten.length, 0)
  assert.ok(members.get('alice 0')) // used again, and so not the oldest any more
  for (let at = 2_000; at < 2_003; at += 1) {
    members.set(`alice ${at}`, session(`alice ${at}`), 'alice')
  }
  assert.deepEqual(forgotten, ['alice 1', 'alice 2', 'alice 3'])
  assert.ok(members.get('bob'))
  assert.equal(members.takeAll().length, 2_001)
})
