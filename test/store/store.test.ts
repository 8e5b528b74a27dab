import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/clock.ts'
import { createStore } from '../../src/store/create-store.ts'
import type { Store } from '../../src/store/store.ts'
import { SimulatedClock } from '../support/clock.ts'
import { until } from '../support/fault-load.ts'
import { onRedis, startRedis } from '../support/redis-server.ts'

/** A store, and how time passes in it. */
interface Begun {
  readonly store: Store
  pass(milliseconds: number): Promise<void>
}

function rulesOf(name: string, begin: (t: TestContext) => Promise<Begun>): void {
  test(`${name}: what is set is there until its time ends`, async (t) => {
    const { store, pass } = await begin(t)
    assert.equal(await store.get('a'), undefined)
    await store.set('a', 'one', 300)
    await store.set('b', 'other', 60_000)
    assert.deepEqual([await store.get('a'), await store.get('b')], ['one', 'other'])
    await pass(300)
    assert.deepEqual([await store.get('a'), await store.get('b')], [undefined, 'other'])
  })

  test(`${name}: set again, it has the new value and the new time`, async (t) => {
    const { store, pass } = await begin(t)
    await store.set('a', 'one', 300)
    await store.set('a', 'two', 60_000)
    await pass(300)
    assert.equal(await store.get('a'), 'two')
  })

  test(`${name}: of many who set what is absent, one does; after its end or deletion again`, async (t) => {
    const { store, pass } = await begin(t)
    const race = async (ttl: number) => {
      const tries = Array.from({ length: 20 }, (_, i) => store.setIfAbsent('a', String(i), ttl))
      return (await Promise.all(tries)).filter(Boolean).length
    }
    assert.equal(await race(300), 1)
    assert.equal(await race(300), 0)
    await pass(300)
    assert.equal(await race(60_000), 1)
    await store.delete('a')
    assert.equal(await store.get('a'), undefined)
    assert.equal(await race(60_000), 1)
    await store.delete('never there')
  })

  test(`${name}: times below a millisecond, and texts of any kind, are taken`, async (t) => {
    const { store } = await begin(t)
    await store.set('a', 'x', 0.25)
    for (const text of ['', '\r\n$3\r\nabc', '\u0000\u20ac', 'x'.repeat(100_000)]) {
      await store.set(text, text, 60_000)
      assert.equal(await store.get(text), text)
    }
  })
}

rulesOf('memory', async () => {
  const clock = new SimulatedClock()
  const store = await createStore({}, { clock, onEvent: () => assert.fail('nothing to tell') })
  return { store, pass: (milliseconds) => clock.advance(milliseconds) }
})

onRedis('the rules of a store, for Redis', () => {
  rulesOf('Redis', async (t) => {
    const server = await startRedis(t)
    const store = await createStore({ redis_url: server.url }, { clock: systemClock, onEvent() {} })
    t.after(() => store.close())
    await until('connected', () =>
      store.get('x').then(
        () => true,
        () => false,
      ),
    )
    return { store, pass: (milliseconds) => delay(milliseconds + 20) }
  })
})

test('memory alone is not shared', async () => {
  const around = { clock: systemClock, onEvent() {} }
  const [one, other] = [await createStore({}, around), await createStore({}, around)]
  assert.equal(one.shared, false)
  await one.set('a', 'x', 1_000)
  assert.equal(await other.get('a'), undefined)
})

test('memory is bounded: what was used least lately makes room', async () => {
  const store = await createStore({}, { clock: new SimulatedClock(), onEvent() {} })
  const half = 'x'.repeat(7_500_000)
  await store.set('a', half, 1_000)
  await store.set('b', half, 1_000)
  await store.get('a')
  await store.set('c', half, 1_000)
  assert.deepEqual([await store.get('a'), await store.get('b')], [half, undefined])
})

test('in memory what there is much of crowds out nothing of another kind', async () => {
  const store = await createStore({}, { clock: new SimulatedClock(), onEvent() {} })
  await store.set('family:a', 'ended', 1_000)
  await store.set('use:a', 'used', 1_000)
  const half = 'x'.repeat(7_500_000)
  for (let i = 0; i < 6; i += 1) await store.set(`code:${i}`, half, 1_000)
  assert.deepEqual([await store.get('family:a'), await store.get('use:a')], ['ended', 'used'])
})

test('in memory what has ended crowds out nothing that has not', async () => {
  const clock = new SimulatedClock()
  const store = await createStore({}, { clock, onEvent() {} })
  const third = 'x'.repeat(5_000_000)
  await store.set('long', third, 3_600_000)
  await store.set('short', third, 60_000)
  await store.set('short too', third, 60_000)
  await clock.advance(60_000)
  await store.set('new', third, 60_000)
  await store.set('new too', third, 60_000)
  assert.equal(await store.get('long'), third)
})
