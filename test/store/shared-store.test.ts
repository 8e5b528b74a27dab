import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { RedisStore } from '../../src/store/redis-store.ts'
import {
  type EndingMember,
  earlier,
  type LogPosition,
  type SharedStore,
} from '../../src/store/store.ts'
import { until } from '../support/fault-load.ts'
import { onRedis, startRedis } from '../support/redis-server.ts'

const minute = 60_000

async function start(t: TestContext) {
  const server = await startRedis(t)
  const open = async (): Promise<SharedStore> => {
    const store = new RedisStore({ redis_url: server.url }, () => undefined)
    t.after(() => store.close())
    const answers = () =>
      store.get('a').then(
        () => true,
        () => false,
      )
    await until('the store answers', answers)
    return store
  }
  return { server, one: await open(), other: await open() }
}

async function membersOf(store: SharedStore, set: string): Promise<readonly EndingMember[]> {
  const all: EndingMember[] = []
  for await (const page of store.membersOf(set)) all.push(...page)
  return all.sort((a, b) => a.until - b.until)
}

onRedis('what processes share', () => {
  test('a log is read in order and from a position on, in pages, by every process', async (t) => {
    const { one, other } = await start(t)
    const keep = { most: 10_000, ttl: minute }
    assert.deepEqual(await other.readLog('log', undefined, 10), [])
    for (let i = 0; i < 25; i += 1) await one.append('log', String(i), keep)
    const texts: string[] = []
    let after: LogPosition | undefined
    for (;;) {
      const page = await other.readLog('log', after, 10)
      texts.push(...page.map(({ text }) => text))
      after = page.at(-1)?.position
      if (page.length < 10) break
    }
    assert.deepEqual(
      texts,
      Array.from({ length: 25 }, (_, i) => String(i)),
    )
    assert.deepEqual(await other.readLog('log', after, 10), [])
    const again = await other.readLog('log', earlier(after ?? '0-0', minute), 100)
    assert.equal(again.length, 25)
  })

  test('a log is bounded, and ends after its last entry', async (t) => {
    const { server, one, other } = await start(t)
    for (let i = 0; i < 500; i += 1) await one.append('log', String(i), { most: 100, ttl: minute })
    const kept = await other.readLog('log', undefined, 1_000)
    assert.ok(kept.length >= 100 && kept.length < 400, String(kept.length))
    assert.equal(kept.at(-1)?.text, '499')
    const left = Number(await server.command('PTTL', 'rolecall:log'))
    assert.ok(left > 0 && left <= minute, String(left))
  })

  test('a set holds members until they end, and so many: those that end first make room', async (t) => {
    const { server, one, other } = await start(t)
    const now = Date.now()
    const bounds = { now, most: 3, ttl: minute }
    const member = (name: string, left: number) => ({ name, until: now + left })
    for (const [name, left] of [
      ['d', 4_000],
      ['b', 2_000],
      ['c', 3_000],
      ['a', 1_000],
    ] as const) {
      await one.addMember('set', member(name, left), bounds)
    }
    const names = async () => (await membersOf(other, 'set')).map(({ name }) => name)
    assert.deepEqual(await names(), ['b', 'c', 'd'])
    assert.deepEqual((await membersOf(other, 'set'))[0], member('b', 2_000))
    await one.addMember('set', member('e', 5_000), { ...bounds, now: now + 3_500 })
    assert.deepEqual(await names(), ['d', 'e'])
    await other.removeMembers('set', ['d', 'nobody'])
    await other.removeMembers('set', [])
    assert.deepEqual(await names(), ['e'])
    assert.ok(Number(await server.command('PTTL', 'rolecall:set')) > 0)
    for (let i = 0; i < 2_500; i += 1) {
      void one.addMember('many', member(String(i), minute + i), { ...bounds, most: 10_000 })
    }
    await until('all are there', async () => (await membersOf(other, 'many')).length >= 2_500)
  })
})
