import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EndedSessions } from '../../../src/sign-in/sessions/ended-sessions.ts'
import { familyDigest } from '../../../src/sign-in/sessions/family-digest.ts'
import { followEnds } from '../../../src/sign-in/sessions/follow-ends.ts'
import { SessionEnds } from '../../../src/sign-in/sessions/session-ends.ts'
import { StoreUnavailable } from '../../../src/store/store.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { FaultyStore, refusalOf } from '../../support/single-use.ts'

const second = 1_000
const day = 86_400_000
const alice = familyDigest('as long as the name of alice')

/** Two processes over one store; the other one reads what the first one ends. */
function start() {
  const clock = new SimulatedClock()
  const store = new FaultyStore(clock)
  const process = () => {
    const ended = new EndedSessions(clock)
    return { ended, ends: new SessionEnds({ store, ended, clock }) }
  }
  const [one, other] = [process(), process()]
  const stop = followEnds(store, other.ended, clock)
  const isEnded = (ended: EndedSessions, family: string, began = clock.now()) =>
    ended.has({ family: familyDigest(family), began, names: () => [alice] })
  return { clock, store, one, other, stop, isEnded, until: clock.now() + day }
}

test('what one process ends is over there at once, and within 15 s in the other', async () => {
  const { clock, one, other, isEnded, until } = start()
  const began = clock.now() - 1
  await one.ends.endFamily('a', until)
  await one.ends.endOwner([alice], { before: clock.now(), lifetime: day })
  for (const [family, at] of [
    ['a', clock.now()],
    ['b', began],
  ] as const) {
    assert.equal(isEnded(one.ended, family, at), true)
    assert.equal(isEnded(other.ended, family, at), false)
  }
  await clock.advance(15 * second)
  assert.equal(isEnded(other.ended, 'a'), true)
  assert.equal(isEnded(other.ended, 'b', began), true)
  assert.equal(isEnded(other.ended, 'b'), false)
})

test('a refresh is refused at once in every process: it asks the store', async () => {
  const { clock, one, other, until } = start()
  const session = { began: clock.now() - 1, names: [alice] }
  await other.ends.check('a', session)
  await one.ends.endFamily('a', until)
  assert.equal((await refusalOf(other.ends.check('a', session))).reason, 'session_revoked')
  await other.ends.check('b', session)
  await one.ends.endOwner([alice], { before: clock.now(), lifetime: day })
  assert.equal((await refusalOf(other.ends.check('b', session))).reason, 'session_revoked')
  await other.ends.check('b', { ...session, began: clock.now() })
  await other.ends.check('b', { ...session, names: [] })
})

test('a process that starts later knows what ended before, however much that is', async () => {
  const { clock, store, one, isEnded, until } = start()
  for (let i = 0; i < 2_500; i += 1) await one.ends.endFamily(String(i), until)
  const ended = new EndedSessions(clock)
  followEnds(store, ended, clock)
  await clock.advance(0)
  for (const family of ['0', '999', '1000', '2499']) assert.equal(isEnded(ended, family), true)
})

test('an outage of the store changes nothing, and what happened meanwhile is read after it', async () => {
  const { clock, store, one, other, isEnded, until } = start()
  await one.ends.endFamily('before', until)
  await clock.advance(15 * second)
  store.fault = 'before'
  await assert.rejects(one.ends.endFamily('during', until), StoreUnavailable)
  assert.equal(isEnded(one.ended, 'during'), false, 'a request that failed was not done')
  await clock.advance(3_600 * second)
  assert.equal(isEnded(other.ended, 'before'), true)
  store.fault = 'none'
  await one.ends.endFamily('during', until)
  // Another server took over, whose log begins anew.
  store.logs.set(
    'ends',
    (store.logs.get('ends') ?? []).slice(-1).map((entry) => ({ ...entry, position: '1-0' })),
  )
  await clock.advance(15 * second)
  assert.equal(isEnded(other.ended, 'during'), true)
})

test('what is no end is passed over, and after the stop nothing is read', async () => {
  const { clock, store, one, other, stop, isEnded, until } = start()
  for (const text of ['', 'nonsense', 'family x 1']) await store.append('ends', text)
  await one.ends.endFamily('a', until)
  await clock.advance(15 * second)
  assert.equal(isEnded(other.ended, 'a'), true)
  stop()
  await one.ends.endFamily('b', until)
  await clock.advance(60 * second)
  assert.equal(isEnded(other.ended, 'b'), false)
})

test('an end outlives the last access token that the session can have', async () => {
  const { clock, one, isEnded, until } = start()
  await one.ends.endFamily('a', until)
  await clock.advance(day + 27 * 3_600 * second)
  assert.equal(isEnded(one.ended, 'a'), true)
  await clock.advance(2 * 3_600 * second)
  assert.equal(isEnded(one.ended, 'a'), false)
})
