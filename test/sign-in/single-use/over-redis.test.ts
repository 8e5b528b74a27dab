import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/clock.ts'
import { GRACE_MS } from '../../../src/sign-in/single-use/grace.ts'
import { createSingleUse } from '../../../src/sign-in/single-use/redeem-once.ts'
import type { SingleUse } from '../../../src/sign-in/single-use/single-use.ts'
import { RedisStore } from '../../../src/store/redis-store.ts'
import { until } from '../../support/fault-load.ts'
import { onRedis, type RedisServer, startRedis } from '../../support/redis-server.ts'
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

/** Two processes, as far as single use goes, over one Redis. */
async function start(t: TestContext) {
  const server = await startRedis(t)
  const process = async (): Promise<SingleUse> => {
    const store = new RedisStore({ redis_url: server.url }, () => undefined)
    t.after(() => store.close())
    const singleUse = createSingleUse({
      store,
      keys,
      ends: endsIn(store, systemClock),
      clock: systemClock,
    })
    await works(singleUse)
    return singleUse
  }
  return { server, one: await process(), other: await process(), redemptions: new Redemptions() }
}

/** Until the store answers. */
function works(singleUse: SingleUse): Promise<void> {
  return until('the store answers', () =>
    singleUse.endFamily('nobody', Date.now() + 1_000).then(
      () => true,
      () => false,
    ),
  )
}

/** Lets the grace of everything end. */
async function endGrace(server: RedisServer): Promise<void> {
  for (const key of (await server.contents()).keys()) {
    if (!key.startsWith('rolecall:answer:')) continue
    const left = Number(await server.command('PTTL', key))
    assert.ok(left > GRACE_MS - 10_000 && left <= GRACE_MS, `${left} ms`)
    await server.command('DEL', key)
  }
}

async function answersIn(server: RedisServer): Promise<readonly string[]> {
  const keys = [...(await server.contents()).keys()]
  return keys.filter((key) => key.startsWith('rolecall:answer:'))
}

onRedis('single use over Redis', () => {
  test('a refresh token raced 50 ways through two processes is redeemed once, with one answer for all', async (t) => {
    const { one, other, redemptions } = await start(t)
    for (let round = 1; round <= 5; round += 1) {
      const uses = Array.from({ length: 50 }, (_, i) =>
        (i % 2 ? one : other).once(refresh('a', `family ${round}`), redemptions.succeed),
      )
      const [first, ...others] = await Promise.all(uses)
      for (const issued of others) assert.deepEqual(issued, first)
      assert.equal(redemptions.count, round)
    }
  })

  test('a code raced 50 ways through two processes is redeemed for one', async (t) => {
    const { one, other, redemptions } = await start(t)
    const uses = Array.from({ length: 50 }, (_, i) =>
      (i % 2 ? one : other).once(code('a'), redemptions.succeed),
    )
    const outcomes = (await outcomesOf(uses)).sort()
    assert.equal(outcomes[0], 'access-token-1')
    // The first repetition ends the family; who comes after that is told so.
    for (const refused of outcomes.slice(1))
      assert.match(refused, /^(code_reused|session_revoked)$/)
    assert.equal(redemptions.count, 1)
  })

  test('reuse after the grace ends the family in both processes', async (t) => {
    const { server, one, other, redemptions } = await start(t)
    await one.once(refresh('a'), redemptions.succeed)
    await other.once(refresh('b'), redemptions.succeed)
    await endGrace(server)
    const reuse = await refusalOf(other.once(refresh('a'), redemptions.succeed))
    assert.equal(reuse.reason, 'refresh_token_reused')
    for (const process of [one, other]) {
      const { error, reason } = await refusalOf(process.once(refresh('c'), redemptions.succeed))
      assert.deepEqual([error, reason], ['invalid_grant', 'session_revoked'])
    }
    await one.once(refresh('d', 'another family'), redemptions.succeed)
  })

  test('an answer that was put under another token in Redis belongs to nobody', async (t) => {
    const { server, one, other, redemptions } = await start(t)
    await one.once(refresh('of-alice', 'family of alice'), redemptions.succeed)
    const [alices = ''] = await answersIn(server)
    await one.once(refresh('of-bob', 'family of bob'), redemptions.succeed)
    const bobs = (await answersIn(server)).find((key) => key !== alices) ?? ''
    await server.command('COPY', alices, bobs, 'REPLACE')
    const { status } = await refusalOf(
      other.once(refresh('of-bob', 'family of bob'), redemptions.succeed),
    )
    assert.equal(status, 503)
    assert.equal(redemptions.count, 2)
  })

  test('nothing in Redis can be read, and everything in it ends', async (t) => {
    const { server, one, other, redemptions } = await start(t)
    await one.once(refresh('the-id-of-a-token', 'the-id-of-a-family'), redemptions.succeed)
    await one.once(code('the-id-of-a-code', 'the-id-of-a-family'), redemptions.succeed)
    const redemption = slow(redemptions.succeed)
    const claimed = one.once(refresh('b', 'the-id-of-a-family'), redemption.redeem)
    await redemption.began
    await other.endFamily('the-id-of-a-family', Date.now() + 60_000)
    const contents = await server.contents()
    const kinds = [...contents.keys()].map((key) => key.split(':')[1])
    assert.deepEqual(
      new Set(kinds),
      new Set(['claim', 'session', 'code', 'answer', 'family', 'ends']),
    )
    const text = JSON.stringify([...contents])
    for (const secret of ['access-token', 'refresh-token', 'alice', 'idp.test', 'the-id-of']) {
      assert.ok(!text.includes(secret), secret)
      assert.ok(!text.includes(Buffer.from(secret).toString('base64url').slice(0, -2)), secret)
    }
    for (const key of contents.keys()) assert.ok(Number(await server.command('PTTL', key)) > 0, key)
    redemption.end()
    await claimed
  })

  for (const [what, stop, resume] of [
    ['frozen', (server) => server.freeze(), (server) => server.thaw()],
    ['killed', (server) => server.kill(), (server) => server.start()],
  ] as readonly [string, Fault, Fault][]) {
    test(`while Redis is ${what}: 503 within two seconds and nothing spent; afterwards it works`, async (t) => {
      const { server, one, other, redemptions } = await start(t)
      await stop(server)
      for (const process of [one, other]) {
        for (const use of [refresh('a'), code('b')]) {
          const began = performance.now()
          const { status, error, headers } = await refusalOf(process.once(use, redemptions.succeed))
          assert.ok(performance.now() - began < 2_000)
          assert.deepEqual([status, error], [503, 'temporarily_unavailable'])
          assert.equal(headers['retry-after'], '5')
        }
        assert.equal((await refusalOf(process.endFamily('family', Date.now() + 1e6))).status, 503)
      }
      assert.equal(redemptions.count, 0)
      await resume(server)
      await works(one)
      await works(other)
      const uses = [one, other].map((process) => process.once(refresh('a'), redemptions.succeed))
      assert.deepEqual(await outcomesOf(uses), ['access-token-1', 'access-token-1'])
    })

    test(`Redis ${what} during a redemption: the client has its answer, and repetitions have it afterwards`, async (t) => {
      const { server, one, other, redemptions } = await start(t)
      const issued = await one.once(refresh('a'), async () => {
        await stop(server)
        return redemptions.succeed()
      })
      await resume(server)
      await works(one)
      await works(other)
      assert.deepEqual(await one.once(refresh('a'), redemptions.succeed), issued)
      const stored = async () =>
        [...(await server.contents()).keys()].some((key) => key.includes(':answer:'))
      await until('the store was told', stored)
      assert.deepEqual(await other.once(refresh('a'), redemptions.succeed), issued)
      assert.equal(redemptions.count, 1)
    })
  }
})

type Fault = (server: RedisServer) => void | Promise<void>
