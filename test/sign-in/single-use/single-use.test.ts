import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UnusableTokens } from '../../../src/oauth/error-answer.ts'
import { invalidGrant, temporarilyUnavailable } from '../../../src/oauth/errors.ts'
import { GRACE_MS } from '../../../src/sign-in/single-use/grace.ts'
import { createSingleUse } from '../../../src/sign-in/single-use/redeem-once.ts'
import type { Redeemable } from '../../../src/sign-in/single-use/single-use.ts'
import type { IssuedTokens } from '../../../src/sign-in/token/token-response.ts'
import { MemoryStore } from '../../../src/store/memory-store.ts'
import { SimulatedClock } from '../../support/clock.ts'
import {
  code,
  endsIn,
  keys,
  outcomesOf,
  Redemptions,
  refresh,
  refusalOf,
  slow,
} from '../../support/single-use.ts'

const hour = 3_600_000

function start() {
  const clock = new SimulatedClock()
  const store = new MemoryStore(clock)
  const singleUse = createSingleUse({ store, keys, ends: endsIn(store, clock), clock })
  const redemptions = new Redemptions()
  const familyUntil = clock.now() + 24 * hour
  const once = (use: Redeemable, redeem: () => Promise<IssuedTokens>) =>
    singleUse.once({ ...use, familyUntil }, redeem)
  return {
    clock,
    redemptions,
    once,
    use: (use: Redeemable) => once(use, redemptions.succeed),
    fail: (use: Redeemable, error: Error) => once(use, redemptions.failing(error)),
    endFamily: (family: string) => singleUse.endFamily(family, familyUntil),
  }
}

function tokenOf({ answer }: IssuedTokens): string {
  return answer.access_token
}

test('uses at once and within the grace get the very same answer, made once', async () => {
  const { clock, use, redemptions } = start()
  const all = await Promise.all(Array.from({ length: 50 }, () => use(refresh('a'))))
  await clock.advance(GRACE_MS - 1)
  for (const issued of [...all, await use(refresh('a'))]) assert.deepEqual(issued, all[0])
  assert.equal(redemptions.count, 1)
})

test('the grace is counted from the answer, and using the token does not make it longer', async () => {
  const { clock, once, use, redemptions } = start()
  const redemption = slow(redemptions.succeed)
  const first = once(refresh('a'), redemption.redeem)
  await redemption.began
  await clock.advance(9_000)
  redemption.end()
  assert.equal(tokenOf(await first), 'access-token-1')
  for (let second = 0; second < 59; second += 1) {
    await clock.advance(1000)
    assert.equal(tokenOf(await use(refresh('a'))), 'access-token-1')
  }
  await clock.advance(1000)
  assert.equal((await refusalOf(use(refresh('a')))).error, 'invalid_grant')
})

test('after the grace a token is invalid_grant for as long as it lives, and nothing is asked', async () => {
  const { clock, use, redemptions } = start()
  await use(refresh('a'))
  const expected = ['refresh_token_reused']
  for (const wait of [GRACE_MS, hour, 22 * hour]) {
    await clock.advance(wait)
    const { error, reason, message } = await refusalOf(use(refresh('a')))
    assert.deepEqual([error, reason], ['invalid_grant', expected.shift() ?? 'session_revoked'])
    assert.match(message, /used (before|twice).*sign in again/)
  }
  assert.equal(redemptions.count, 1)
})

test('one token says nothing about another', async () => {
  const { clock, use, redemptions } = start()
  const outcomes = await outcomesOf([use(refresh('a')), use(refresh('b'))])
  assert.deepEqual(outcomes, ['access-token-1', 'access-token-2'])
  await clock.advance(GRACE_MS)
  assert.equal(tokenOf(await use(refresh('c'))), 'access-token-3')
  assert.equal(redemptions.count, 3)
})

test('the end of a session is remembered with its words', async () => {
  const { clock, fail, use, redemptions } = start()
  const ended = invalidGrant('The account is disabled.', 'provider_refused:AADSTS50057')
  assert.equal(await refusalOf(fail(refresh('a'), ended)), ended)
  for (const wait of [0, GRACE_MS, 22 * hour]) {
    await clock.advance(wait)
    const { status, error, reason, message } = await refusalOf(use(refresh('a')))
    assert.deepEqual([status, error], [400, 'invalid_grant'])
    assert.deepEqual([reason, message], [ended.reason, ended.message])
  }
  assert.equal(redemptions.count, 1)
})

const undecided: Readonly<Record<string, Error>> = {
  'a 503': temporarilyUnavailable('Later.', { retryAfter: 5, reason: 'x' }),
  'tokens that cannot be used': new UnusableTokens('For another audience.', 'wrong_audience'),
  'a bug': new TypeError('x is not a function'),
}
for (const [what, error] of Object.entries(undecided)) {
  test(`after ${what} a token, or a code, may be used again`, async () => {
    const { fail, use } = start()
    for (const value of [refresh('a'), code('b')]) {
      await assert.rejects(fail(value, error), error)
      await assert.rejects(fail(value, error), error)
      await use(value)
    }
  })
}

test('all that ask at once get the one failure, and the next one asks anew', async () => {
  for (const value of [refresh('a'), code('b')]) {
    const { fail, use, redemptions } = start()
    const error = temporarilyUnavailable('Later.', { retryAfter: 5, reason: 'x' })
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => fail(value, error)))
    for (const one of all) assert.equal(one.status === 'rejected' && one.reason, error)
    assert.equal(redemptions.count, 1)
    assert.equal(tokenOf(await use(value)), 'access-token-2')
  }
})

test('a code raced 50 ways is redeemed for one, and later for nobody', async () => {
  const { clock, use, redemptions } = start()
  const outcomes = await outcomesOf(Array.from({ length: 50 }, () => use(code('a'))))
  assert.deepEqual(outcomes, ['access-token-1', ...Array(49).fill('code_reused')])
  assert.equal(tokenOf(await use(refresh('a'))), 'access-token-2')
  for (const wait of [0, GRACE_MS, hour]) {
    await clock.advance(wait)
    const { error, reason } = await refusalOf(use(code('a')))
    assert.deepEqual([error, reason], ['invalid_grant', 'code_reused'])
  }
  assert.equal(redemptions.count, 2)
})

test('within one process, too, reuse ends the family: a thief has one of the two tokens', async () => {
  const { clock, use } = start()
  await use(refresh('a'))
  await use(refresh('b'))
  await clock.advance(GRACE_MS)
  assert.equal((await refusalOf(use(refresh('a')))).reason, 'refresh_token_reused')
  assert.equal((await refusalOf(use(refresh('c')))).reason, 'session_revoked')
  assert.equal(tokenOf(await use(refresh('a', 'another family'))), 'access-token-3')
})

test('a session has one mark, however often it is refreshed', async () => {
  const clock = new SimulatedClock()
  const store = new MemoryStore(clock)
  const marks = new Set<string>()
  const { set } = store
  store.set = (key, ...rest) => {
    if (key.startsWith('session:')) marks.add(key)
    return set.call(store, key, ...rest)
  }
  const singleUse = createSingleUse({ store, keys, ends: endsIn(store, clock), clock })
  const { succeed } = new Redemptions()
  const first = refresh('a', 'family', clock.now())
  for (let generation = 0; generation < 50; generation += 1) {
    await singleUse.once({ ...first, id: `token ${generation}`, generation }, succeed)
  }
  assert.equal(marks.size, 1)
  await clock.advance(GRACE_MS)
  const old = { ...first, id: 'token 3', generation: 3 }
  assert.equal((await refusalOf(singleUse.once(old, succeed))).reason, 'refresh_token_reused')
})

test('whatever others refresh, a token used long ago does not work again, and nobody loses a session', async () => {
  const clock = new SimulatedClock()
  // As many as 66,000 are to the memory of a process.
  const store = new MemoryStore(clock, 200_000)
  const singleUse = createSingleUse({ store, keys, ends: endsIn(store, clock), clock })
  const { succeed } = new Redemptions()
  const [used, idle] = ['used', 'idle'].map((family) => refresh('a', family, clock.now(), 'alice'))
  assert.ok(used && idle)
  await singleUse.once(used, succeed)
  await singleUse.once(idle, succeed)
  await clock.advance(GRACE_MS / 2)
  for (let session = 0; session < 1_000; session += 1) {
    await singleUse.once(refresh('a', `of mallory ${session}`, clock.now(), 'mallory'), succeed)
  }
  assert.equal(tokenOf(await singleUse.once(used, succeed)), 'access-token-1', 'within the grace')
  await clock.advance(GRACE_MS)
  assert.equal((await refusalOf(singleUse.once(used, succeed))).reason, 'refresh_token_reused')
  const next = { ...idle, id: 'next', generation: 1 }
  assert.equal(tokenOf(await singleUse.once(next, succeed)), 'access-token-1003')
})

test('an ended family is refused, used tokens within their grace too; another one goes on', async () => {
  const { clock, use, endFamily, redemptions } = start()
  await use(refresh('a'))
  await endFamily('family')
  for (const wait of [0, GRACE_MS, 22 * hour]) {
    await clock.advance(wait)
    for (const value of [refresh('a'), refresh('b'), code('c')]) {
      const { error, reason } = await refusalOf(use(value))
      assert.deepEqual([error, reason], ['invalid_grant', 'session_revoked'])
    }
  }
  assert.equal(redemptions.count, 1)
  assert.equal(tokenOf(await use(refresh('d', 'another family'))), 'access-token-2')
})
