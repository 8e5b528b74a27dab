import assert from 'node:assert/strict'
import { test } from 'node:test'
import { invalidGrant, temporarilyUnavailable } from '../../../src/oauth/errors.ts'
import { deriveKeys } from '../../../src/sealing/derived-keys.ts'
import { GRACE_MS } from '../../../src/sign-in/single-use/grace.ts'
import { createSingleUse } from '../../../src/sign-in/single-use/redeem-once.ts'
import { until } from '../../support/fault-load.ts'
import {
  code,
  endsIn,
  outcomesOf,
  Redemptions,
  refresh,
  refusalOf,
  slow,
  twoProcesses,
} from '../../support/single-use.ts'

const now = Date.parse('2026-03-01T12:00:00Z')
const hour = 3_600_000
const later = temporarilyUnavailable('Later.', { retryAfter: 5, reason: 'x' })

/** Until the store was told again, which is tried every second. */
function untilMarked(
  { clock, store }: Pick<ReturnType<typeof twoProcesses>, 'clock' | 'store'>,
  count: number,
): Promise<void> {
  return until('it is marked as used', async () => {
    await clock.advance(1_000)
    return store.marked === count
  })
}

test('reuse after the grace ends the whole family, in every process, until its end', async () => {
  const { clock, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const [first, second] = [refresh('a', 'family', now), refresh('b', 'family', now)]
  await one.once(first, redemptions.succeed)
  await clock.advance(GRACE_MS)
  await other.once(second, redemptions.succeed)
  assert.equal(
    (await refusalOf(other.once(first, redemptions.succeed))).reason,
    'refresh_token_reused',
  )
  for (const wait of [0, GRACE_MS, 22 * hour]) {
    await clock.advance(wait)
    for (const process of [one, other]) {
      for (const value of [second, refresh('c', 'family', now), first]) {
        const { reason } = await refusalOf(process.once(value, redemptions.succeed))
        assert.equal(reason, 'session_revoked')
      }
    }
  }
  assert.equal(redemptions.count, 2)
  await one.once(refresh('d', 'another', now), redemptions.succeed)
})

test('repetition within the grace, in whichever process, ends nothing', async () => {
  const { clock, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const use = refresh('a', 'family', now)
  const issued = await one.once(use, redemptions.succeed)
  for (let i = 0; i < 5; i += 1) {
    await clock.advance(10_000)
    assert.deepEqual(await other.once(use, redemptions.succeed), issued)
    assert.deepEqual(await one.once(use, redemptions.succeed), issued)
  }
  await one.once(refresh('b', 'family', now), redemptions.succeed)
  assert.equal(redemptions.count, 2)
})

test('a code that comes a second time ends what came of it (RFC 6749 §4.1.2)', async () => {
  const { one, other } = twoProcesses()
  const redemptions = new Redemptions()
  await one.once(code('a', 'family', now), redemptions.succeed)
  const again = other.once(code('a', 'family', now), redemptions.succeed)
  assert.equal((await refusalOf(again)).reason, 'code_reused')
  const next = one.once(refresh('b', 'family', now), redemptions.succeed)
  assert.equal((await refusalOf(next)).reason, 'session_revoked')
})

test('whoever comes during a redemption waits for it and has its answer', async () => {
  const { clock, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const redemption = slow(redemptions.succeed)
  const use = refresh('a', 'family', now)
  const winner = one.once(use, redemption.redeem)
  await redemption.began
  const loser = other.once(use, redemptions.succeed)
  await clock.advance(8_000)
  redemption.end()
  const issued = await winner
  await clock.advance(1_000)
  assert.deepEqual(await loser, issued)
  assert.equal(redemptions.count, 1)
})

test('when the one redemption fails, whoever waits for it redeems itself', async () => {
  const { clock, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const redemption = slow(redemptions.failing(later))
  const use = refresh('a', 'family', now)
  const winner = one.once(use, redemption.redeem)
  await redemption.began
  const loser = other.once(use, redemptions.succeed)
  redemption.end()
  assert.equal(await refusalOf(winner), later)
  await clock.advance(1_000)
  assert.equal((await loser).answer.access_token, 'access-token-2')
})

test('whoever waited long for one that fails does not begin another, and the next try does', async () => {
  const { clock, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const redemption = slow(redemptions.failing(later))
  const use = refresh('a', 'family', now)
  const winner = one.once(use, redemption.redeem)
  await redemption.began
  const loser = refusalOf(other.once(use, redemptions.succeed))
  await clock.advance(7_500)
  redemption.end()
  assert.equal(await refusalOf(winner), later)
  await clock.advance(1_000)
  assert.equal((await loser).reason, 'still_redeemed')
  assert.equal((await other.once(use, redemptions.succeed)).answer.access_token, 'access-token-2')
})

test('a final refusal is known everywhere, with its words', async () => {
  const { one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const use = refresh('a', 'family', now)
  const ended = invalidGrant('The account is disabled.', 'provider_refused:AADSTS50057')
  await refusalOf(one.once(use, redemptions.failing(ended)))
  const { reason, message } = await refusalOf(other.once(use, redemptions.succeed))
  assert.deepEqual([reason, message], [ended.reason, ended.message])
  assert.equal(redemptions.count, 1)
})

test('a process that dies while it redeems holds the others up for half a minute at most', async () => {
  const { clock, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const dying = slow(redemptions.succeed)
  const use = refresh('a', 'family', now)
  one.once(use, dying.redeem).catch(() => undefined)
  await dying.began
  const waiting = refusalOf(other.once(use, redemptions.succeed))
  await clock.advance(10_500)
  const { status, error, reason, headers } = await waiting
  assert.deepEqual([status, error], [503, 'temporarily_unavailable'])
  assert.deepEqual([reason, headers['retry-after']], ['still_redeemed', '5'])
  await clock.advance(20_000)
  const { answer } = await other.once(use, redemptions.succeed)
  assert.equal(answer.access_token, 'access-token-1')
})

test('a late failure takes back no claim that another process has by now', async () => {
  const { clock, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const [stuck, second] = [slow(redemptions.failing(later)), slow(redemptions.succeed)]
  const use = refresh('a', 'family', now)
  const late = refusalOf(one.once(use, stuck.redeem))
  await stuck.began
  await clock.advance(30_000)
  const winner = other.once(use, second.redeem)
  await second.began
  stuck.end()
  await late
  const third = one.once(use, redemptions.succeed)
  await clock.advance(1_000)
  second.end()
  const issued = await winner
  await clock.advance(1_000)
  assert.deepEqual(await third, issued)
})

test('without the store nothing is redeemed and nothing spent', async () => {
  const { store, one } = twoProcesses()
  const redemptions = new Redemptions()
  for (const fault of ['before', 'after'] as const) {
    for (const value of [refresh('a', fault, now), code(`b ${fault}`, fault, now)]) {
      store.fault = fault
      const before = redemptions.count
      const { status, error, headers, reason } = await refusalOf(
        one.once(value, redemptions.succeed),
      )
      assert.deepEqual([status, error], [503, 'temporarily_unavailable'])
      assert.equal(headers['retry-after'], '5')
      assert.match(reason, /^store_unavailable:(ECONNREFUSED|timeout)$/)
      assert.equal(redemptions.count, before)
      store.fault = 'none'
      await one.once(value, redemptions.succeed)
    }
  }
})

test('a claim that the store took without saying so does not lock its own process out', async () => {
  const { store, one } = twoProcesses()
  const redemptions = new Redemptions()
  const use = refresh('a', 'family', now)
  const { setIfAbsent } = store
  store.setIfAbsent = async (...given) => {
    store.fault = 'after'
    return setIfAbsent(...given)
  }
  assert.equal((await refusalOf(one.once(use, redemptions.succeed))).status, 503)
  Object.assign(store, { setIfAbsent, fault: 'none' })
  await one.once(use, redemptions.succeed)
  assert.equal(redemptions.count, 1)
})

test('what the store could not be told of a redemption it is told later; the client has its answer', async () => {
  const { clock, store, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const use = refresh('a', 'family', now)
  const issued = await one.once(use, async () => {
    store.fault = 'before'
    return redemptions.succeed()
  })
  assert.equal((await refusalOf(one.once(use, redemptions.succeed))).status, 503)
  await clock.advance(20_000)
  store.fault = 'none'
  assert.deepEqual(await one.once(use, redemptions.succeed), issued, 'from this process')
  await untilMarked({ clock, store }, 1)
  assert.deepEqual(await other.once(use, redemptions.succeed), issued, 'from the store')
  await clock.advance(now + GRACE_MS - clock.now())
  const { reason } = await refusalOf(other.once(use, redemptions.succeed))
  assert.equal(reason, 'refresh_token_reused', 'the grace began with the answer')
  assert.equal(redemptions.count, 1)
})

test('told to the store after the grace, a token is marked as used all the same', async () => {
  const { clock, store, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  const uses = [refresh('a', 'one family', now), refresh('b', 'other family', now)]
  for (const [index, use] of uses.entries()) {
    await one.once(use, async () => {
      store.fault = 'before'
      return redemptions.succeed()
    })
    await clock.advance(GRACE_MS)
    store.fault = 'none'
    await untilMarked({ clock, store }, index + 1)
    const { reason } = await refusalOf(other.once(use, redemptions.succeed))
    assert.match(reason, /reused$/)
  }
  assert.equal(redemptions.count, 2)
})

test('a failure that the store is not told of stays the failure', async () => {
  const { store, one } = twoProcesses()
  const redemptions = new Redemptions()
  for (const error of [later, invalidGrant('The account is disabled.')]) {
    const use = refresh('a', error.message, now)
    const failure = one.once(use, async () => {
      store.fault = 'before'
      throw error
    })
    assert.equal(await refusalOf(failure), error)
    store.fault = 'none'
    await one.once(use, redemptions.succeed)
  }
})

test('a reuse that cannot be told to the store is a 503, and ends the family when it comes again', async () => {
  const { clock, store, one } = twoProcesses()
  const redemptions = new Redemptions()
  const use = refresh('a', 'family', now)
  await one.once(use, redemptions.succeed)
  await clock.advance(GRACE_MS)
  const { set } = store
  store.set = async (...given) => {
    store.fault = 'before'
    return set(...given)
  }
  assert.equal((await refusalOf(one.once(use, redemptions.succeed))).status, 503)
  Object.assign(store, { set, fault: 'none' })
  assert.equal((await refusalOf(one.once(use, redemptions.succeed))).reason, 'refresh_token_reused')
  const next = one.once(refresh('b', 'family', now), redemptions.succeed)
  assert.equal((await refusalOf(next)).reason, 'session_revoked')
})

test('a family is ended on request everywhere, or the request is a 503', async () => {
  const { store, one, other } = twoProcesses()
  const redemptions = new Redemptions()
  store.fault = 'before'
  assert.equal((await refusalOf(one.endFamily('family', now + hour))).status, 503)
  store.fault = 'none'
  await one.endFamily('family', now + hour)
  await one.endFamily('over already', now)
  const outcomes = await outcomesOf([
    other.once(refresh('a', 'family', now), redemptions.succeed),
    other.once(refresh('b', 'another', now), redemptions.succeed),
  ])
  assert.deepEqual(outcomes, ['session_revoked', 'access-token-1'])
})

test('an answer sealed with a key that is not here yet is a 503, and nothing is ended', async () => {
  const { clock, store, one } = twoProcesses()
  const redemptions = new Redemptions()
  const use = refresh('a', 'family', now)
  const newer = deriveKeys([Buffer.alloc(32, 2).toString('base64url')]).for('stored answer')
  const ahead = createSingleUse({ store, keys: newer, ends: endsIn(store, clock), clock })
  const issued = await ahead.once(use, redemptions.succeed)
  const { status, reason } = await refusalOf(one.once(use, redemptions.succeed))
  assert.deepEqual([status, reason], [503, 'sealing_key_unknown'])
  assert.deepEqual(await ahead.once(use, redemptions.succeed), issued)
  assert.equal(redemptions.count, 1)
})
