import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitConcurrency } from '../../../src/issuer/token-endpoint/concurrency-limit.ts'
import type {
  GrantOutcome,
  ProviderGrants,
} from '../../../src/issuer/token-endpoint/provider-grants.ts'

const good: GrantOutcome = { kind: 'tokens', tokens: { accessToken: 'x' } }

/** A provider that answers when it is told to, and what was asked of it. */
function slowProvider() {
  const waiting: ((outcome: GrantOutcome | Error) => void)[] = []
  const ask = () =>
    new Promise<GrantOutcome>((resolve, reject) => {
      waiting.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)))
    })
  const grants = limitConcurrency({ redeemCode: ask, refresh: ask })
  return { waiting, grants }
}

type Grant = (grants: ProviderGrants) => Promise<GrantOutcome>

const redeem: Grant = (grants) =>
  grants.redeemCode({ code: 'made-up', redirectUri: 'https://a.example/', codeVerifier: 'v' })
const refresh: Grant = (grants) => grants.refresh({ refreshToken: 'r', scope: [] })

function times(count: number, grant: Grant, grants: ProviderGrants): Promise<GrantOutcome>[] {
  return Array.from({ length: count }, () => grant(grants))
}

const limits: readonly (readonly [string, Grant, number])[] = [
  ['code redemptions', redeem, 64],
  ['refreshes', refresh, 256],
]

for (const [what, grant, most] of limits) {
  test(`${most} ${what} are under way at most; the next is told at once to come back`, async () => {
    const { waiting, grants } = slowProvider()
    const under = times(most, grant, grants)
    const expected = {
      kind: 'unavailable',
      reason: `too many ${what} are under way`,
      retryAfter: 5,
    }
    for (const outcome of await Promise.all(times(100, grant, grants))) {
      assert.deepEqual(outcome, expected)
    }
    assert.equal(waiting.length, most)
    for (const answer of waiting.splice(0)) answer(good)
    assert.deepEqual(await Promise.all(under), Array(most).fill(good))
  })

  test(`of the ${what} each that ends makes room for one, however it ends`, async () => {
    const { waiting, grants } = slowProvider()
    const under = times(most, grant, grants)
    waiting.shift()?.({ kind: 'unavailable', reason: 'answered 500', retryAfter: 5 })
    await under[0]
    waiting.shift()?.(new Error('a flaw of ours'))
    await assert.rejects(under[1] ?? Promise.resolve())
    const next = times(3, grant, grants)
    assert.equal((await next[2])?.kind, 'unavailable')
    for (const answer of waiting.splice(0)) answer(good)
    assert.deepEqual(await Promise.all(next.slice(0, 2)), [good, good])
  })
}

test('code redemptions take no place from refreshes, nor refreshes from them', async () => {
  for (const [first, most, second] of [
    [redeem, 64, refresh],
    [refresh, 256, redeem],
  ] as const) {
    const { waiting, grants } = slowProvider()
    const under = times(most, first, grants)
    const other = second(grants)
    waiting.at(-1)?.(good)
    assert.deepEqual(await other, good)
    for (const answer of waiting) answer(good)
    await Promise.all(under)
  }
})
