import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorAnswer } from '../../src/oauth/error-answer.ts'
import { GRACE, SpentTokens } from '../../src/sign-in/spent-tokens.ts'
import {
  invalidGrant,
  temporarilyUnavailable,
  UnusableTokens,
} from '../../src/sign-in/token-error.ts'
import { SimulatedClock } from '../support/clock.ts'

function start() {
  const clock = new SimulatedClock()
  const spent = new SpentTokens<number>(clock)
  let asked = 0
  return {
    clock,
    spent,
    asked: () => asked,
    /** Every redemption that really happens has another answer. */
    use: (id: string) => spent.once(id, async () => (asked += 1)),
    fail: (id: string, error: Error) =>
      spent.once(id, async () => {
        asked += 1
        throw error
      }),
  }
}

async function refusalOf(answer: Promise<unknown>): Promise<ErrorAnswer> {
  return answer.then(
    () => assert.fail('it was answered'),
    (error: unknown) => (error instanceof ErrorAnswer ? error : assert.fail(String(error))),
  )
}

test('uses at once and within the grace get the very same answer, made once', async () => {
  const { clock, use, asked } = start()
  assert.deepEqual(await Promise.all(Array.from({ length: 50 }, () => use('a'))), Array(50).fill(1))
  await clock.advance(GRACE - 1)
  assert.equal(await use('a'), 1)
  assert.equal(asked(), 1)
})

test('the grace is counted from the answer, and using the token does not make it longer', async () => {
  const { clock, spent, use } = start()
  let finish: (value: number) => void = () => undefined
  const slow = spent.once('a', () => new Promise<number>((resolve) => (finish = resolve)))
  await clock.advance(30_000)
  finish(7)
  assert.equal(await slow, 7)
  for (let second = 0; second < 59; second += 1) {
    await clock.advance(1000)
    assert.equal(await use('a'), 7)
  }
  await clock.advance(1000)
  assert.equal((await refusalOf(use('a'))).error, 'invalid_grant')
})

test('after the grace a token is invalid_grant for good, and nothing is asked', async () => {
  const { clock, use, asked } = start()
  await use('a')
  for (const wait of [GRACE, 3_600_000, 30 * 86_400_000]) {
    await clock.advance(wait)
    const { error, reason, message } = await refusalOf(use('a'))
    assert.deepEqual([error, reason], ['invalid_grant', 'refresh_token_reused'])
    assert.match(message, /used before.*sign in again/)
  }
  assert.equal(asked(), 1)
})

test('one token says nothing about another', async () => {
  const { clock, use, asked } = start()
  assert.deepEqual([await use('a'), await use('b')], [1, 2])
  await clock.advance(GRACE)
  assert.equal(await use('c'), 3)
  assert.equal(asked(), 3)
})

test('the end of a session is remembered with its words', async () => {
  const { clock, fail, use, asked } = start()
  const ended = invalidGrant('The account is disabled.', 'provider_refused:AADSTS50057')
  assert.equal(await refusalOf(fail('a', ended)), ended)
  for (const wait of [0, GRACE, 86_400_000]) {
    await clock.advance(wait)
    assert.equal(await refusalOf(use('a')), ended)
  }
  assert.equal(asked(), 1)
})

const undecided: Readonly<Record<string, Error>> = {
  'a 503': temporarilyUnavailable('Later.', { retryAfter: 5, reason: 'x' }),
  'tokens that cannot be used': new UnusableTokens('For another audience.', 'wrong_audience'),
  'a bug': new TypeError('x is not a function'),
}
for (const [what, error] of Object.entries(undecided)) {
  test(`after ${what} the token may be used again`, async () => {
    const { fail, use } = start()
    await assert.rejects(fail('a', error), error)
    assert.equal(await use('a'), 2)
  })
}

test('all that ask at once get the one failure, and the next one asks anew', async () => {
  const { fail, use, asked } = start()
  const error = temporarilyUnavailable('Later.', { retryAfter: 5, reason: 'x' })
  const all = await Promise.allSettled(Array.from({ length: 8 }, () => fail('a', error)))
  for (const one of all) assert.equal(one.status === 'rejected' && one.reason, error)
  assert.equal(asked(), 1)
  assert.equal(await use('a'), 2)
})
