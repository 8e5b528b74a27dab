import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RedisConfig } from '../../src/store/redis-connection.ts'
import { REDIS_RIGHTS } from '../../src/store/redis-remedies.ts'
import { RedisStore } from '../../src/store/redis-store.ts'
import { type StoreEvent, StoreUnavailable } from '../../src/store/store.ts'
import { until } from '../support/fault-load.ts'
import { onRedis, type RedisServer, startRedis } from '../support/redis-server.ts'
import { startScriptedRedis } from '../support/scripted-redis.ts'

interface Connected {
  readonly store: RedisStore
  readonly events: readonly StoreEvent[]
  /** Everything that a log could have had. */
  readonly told: () => string
}

function open(t: TestContext, config: RedisConfig): Connected {
  const events: StoreEvent[] = []
  const store = new RedisStore(config, (event) => void events.push(event))
  t.after(() => store.close())
  return { store, events, told: () => JSON.stringify(events) }
}

async function connected(t: TestContext, server: RedisServer): Promise<Connected> {
  const connection = open(t, { redis_url: server.url })
  await usable(connection.store)
  return connection
}

function usable(store: RedisStore): Promise<void> {
  const works = () =>
    store.set('usable', '', 1_000).then(
      () => true,
      () => false,
    )
  return until('the store works', works)
}

/** Why a command failed, and after how many milliseconds. */
async function failureOf(command: Promise<unknown>): Promise<{ reason: string; took: number }> {
  const began = performance.now()
  const error = await command.then(
    () => assert.fail('it was answered'),
    (failure: unknown) => failure,
  )
  if (!(error instanceof StoreUnavailable)) assert.fail(String(error))
  return { reason: error.reason, took: performance.now() - began }
}

function kinds(events: readonly StoreEvent[]): readonly string[] {
  return events.map(({ kind }) => kind).filter((kind) => kind !== 'store_error')
}

onRedis('Redis goes and comes back', () => {
  test('where nothing listens every command fails at once; the store comes up when the server does', async (t) => {
    const server = await startRedis(t, { later: true })
    const { store, events } = open(t, { redis_url: server.url })
    await until('it was tried', () => events.length > 0)
    for (const command of [
      store.get('a'),
      store.set('a', '1', 1_000),
      store.setIfAbsent('a', '1', 1_000),
      store.delete('a'),
    ]) {
      assert.ok((await failureOf(command)).took < 100)
    }
    assert.deepEqual(
      events.find(({ kind }) => kind === 'store_away'),
      { kind: 'store_away', reason: 'ECONNREFUSED' },
    )
    await server.start()
    await until('it is back', () => kinds(events).at(-1) === 'store_back')
    assert.equal(await store.setIfAbsent('a', '1', 1_000), true)
    assert.deepEqual(kinds(events), ['store_away', 'store_back'])
  })

  test('killed and restarted underneath, it is told once that it went and once that it is back', async (t) => {
    const server = await startRedis(t)
    const { store, events } = await connected(t, server)
    for (let round = 1; round <= 2; round += 1) {
      await server.kill()
      await until('it is away', () => kinds(events).at(-1) === 'store_away')
      for (let i = 0; i < 20; i += 1) assert.ok((await failureOf(store.get('a'))).took < 100)
      await server.start()
      await until('it is back', () => kinds(events).at(-1) === 'store_back')
      await store.set('a', '1', 1_000)
      assert.equal(kinds(events).length, 2 * round)
    }
    const errors = events.filter(({ kind }) => kind === 'store_error')
    assert.ok(errors.length >= 40, 'each failed command is told of')
  })

  test('a command under way when the server dies fails then', async (t) => {
    const server = await startRedis(t)
    const { store } = await connected(t, server)
    server.freeze()
    const failure = failureOf(store.set('a', '1', 1_000))
    await server.kill()
    assert.ok((await failure).took < 900)
  })

  test('a server that hangs costs one second once; it is used again when it goes on', async (t) => {
    const server = await startRedis(t)
    const { store, events } = await connected(t, server)
    server.freeze()
    const both = await Promise.all([
      failureOf(store.get('a')),
      failureOf(store.setIfAbsent('b', '1', 60_000)),
    ])
    for (const { took } of both) assert.ok(took > 900 && took < 1_500, `${took} ms`)
    for (let i = 0; i < 20; i += 1) assert.ok((await failureOf(store.get('a'))).took < 100)
    server.thaw()
    await until('it is back', () => kinds(events).at(-1) === 'store_back')
    assert.deepEqual(kinds(events), ['store_away', 'store_back'])
    assert.deepEqual(
      events.find(({ kind }) => kind === 'store_away'),
      { kind: 'store_away', reason: 'timeout' },
    )
  })

  test('what was not answered is never sent again', async (t) => {
    const server = await startRedis(t)
    const { store, events } = await connected(t, server)
    await server.command('CONFIG', 'RESETSTAT')
    server.freeze()
    await failureOf(store.set('a', 'sent once', 60_000))
    server.thaw()
    await until('it is back', () => kinds(events).at(-1) === 'store_back')
    const calls = String(await server.command('INFO', 'commandstats'))
    // The one, and what is tried out on a new connection.
    assert.match(calls, /^cmdstat_set:calls=2,/m)
  })

  test('a server that takes nothing, a replica or a full one, is away until it does', async (t) => {
    const server = await startRedis(t)
    const { store, events } = await connected(t, server)
    await server.command('REPLICAOF', '127.0.0.1', '1')
    const failure = await failureOf(store.set('a', '1', 1_000))
    assert.equal(failure.reason, 'READONLY')
    await server.command('REPLICAOF', 'NO', 'ONE')
    await usable(store)
    assert.deepEqual(kinds(events), ['store_away', 'store_back'])
    await server.command('CONFIG', 'SET', 'maxmemory', '1')
    assert.equal((await failureOf(store.set('a', '1', 1_000))).reason, 'OOM')
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    await store.set('a', '1', 1_000)
    assert.deepEqual(kinds(events).slice(2), ['store_away', 'store_back'])
  })

  test('after close nothing is sent, and nothing told', async (t) => {
    const server = await startRedis(t)
    const { store, events } = await connected(t, server)
    const before = events.length
    store.close()
    await failureOf(store.get('a'))
    await server.kill()
    assert.equal(events.length, before)
  })
})

/** Leads to a server, and keeps what the first connection says to itself for a while. */
async function startSlowFirst(t: TestContext, port: number, milliseconds: number): Promise<string> {
  let connections = 0
  const proxy = createServer((socket) => {
    connections += 1
    const onward = connect({ port, host: '127.0.0.1' })
    for (const end of [socket, onward]) end.on('error', () => undefined)
    onward.pipe(socket)
    setTimeout(() => socket.pipe(onward), connections === 1 ? milliseconds : 0)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close())
  return `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

test('a login that is refused is tried with backoff, and not again and again', async (t) => {
  const refusing = await startScriptedRedis(t, 'WRONGPASS invalid username-password pair')
  const { events } = open(t, { redis_url: refusing.url, redis_password: 'wrong' })
  await until('it is away', () => kinds(events).includes('store_away'))
  await delay(1_500)
  assert.ok(refusing.connections() <= 9, `${refusing.connections()} connections`)
})

onRedis('Redis loads', () => {
  test('a server that takes nothing at first is told to be back by itself', async (t) => {
    const server = await startRedis(t)
    await server.command('CONFIG', 'SET', 'maxmemory', '1')
    const { events } = open(t, { redis_url: server.url })
    await until('it is away', () => kinds(events).includes('store_away'))
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    await until('it is back', () => kinds(events).at(-1) === 'store_back')
  })
})

onRedis('Redis is far away', () => {
  test('a slow first connection is not told as a failure', async (t) => {
    const server = await startRedis(t)
    const { store, events } = open(t, { redis_url: await startSlowFirst(t, server.port, 1_500) })
    await usable(store)
    assert.deepEqual(kinds(events), [])
  })
})

/** What Azure's access keys hold, and URLs take for something else. */
const azureKey = 'ab/cd#ef?gh%ij+kl=@:'

onRedis('Redis is asked by password', () => {
  test('with a user and a password of their own, as they are', async (t) => {
    const server = await startRedis(t, { password: azureKey })
    const url = `redis://127.0.0.1:${server.port}`
    await usable(open(t, { redis_url: url, redis_password: azureKey }).store)
    const rules = ['on', `>${azureKey}`, ...REDIS_RIGHTS]
    await server.command('ACL', 'SETUSER', 'an-object-id', ...rules)
    const login = { redis_username: 'an-object-id', redis_password: azureKey }
    await usable(open(t, { redis_url: url, ...login }).store)
  })

  const password = 'a-p%40ssword-that-nobody-may-see'

  test('with the password of the URL, decoded', async (t) => {
    const server = await startRedis(t, { password })
    await usable(open(t, { redis_url: server.url }).store)
  })

  test('a wrong one, or none, is told without it', async (t) => {
    const server = await startRedis(t, { password: 'another' })
    for (const [login, reason] of [
      [`:${password}@`, 'WRONGPASS'],
      [`somebody:${password}@`, 'WRONGPASS'],
      ['', 'NOAUTH'],
    ] as const) {
      const { store, events, told } = open(t, {
        redis_url: `redis://${encodeURI(login)}127.0.0.1:${server.port}`,
      })
      await until('it was refused', () => kinds(events).includes('store_away'))
      assert.ok(told().includes(reason), told())
      const error = await store.get('a').catch((failure: unknown) => failure)
      const all = `${told()} ${String(error)} ${JSON.stringify(error)}`
      assert.doesNotMatch(all, /ssword|127\.0\.0\.1/)
      store.close()
    }
  })
})

onRedis('Redis has other tenants', () => {
  test('every key begins with rolecall:', async (t) => {
    const server = await startRedis(t)
    const { store } = await connected(t, server)
    await store.set('a', '1', 60_000)
    await store.setIfAbsent('b', '2', 60_000)
    const contents = await server.contents()
    assert.ok([...contents.keys()].every((key) => key.startsWith('rolecall:')))
    assert.equal(contents.get('rolecall:a'), '1')
  })

  test('a user with the rights that the remedy of NOPERM names is enough', async (t) => {
    const server = await startRedis(t)
    await server.command(...(['ACL', 'SETUSER', 'rc', 'on', '>pw', ...REDIS_RIGHTS] as const))
    const { store, events } = open(t, {
      redis_url: server.url.replace('redis://', 'redis://rc:pw@'),
    })
    await usable(store)
    await store.delete('a')
    await store.append('log', 'one', { most: 10, ttl: 60_000 })
    assert.deepEqual(
      (await store.readLog('log', undefined, 10)).map(({ text }) => text),
      ['one'],
    )
    const bounds = { now: Date.now(), most: 10, ttl: 60_000 }
    await store.addMember('set', { name: 'a', until: Date.now() + 1_000 }, bounds)
    for await (const page of store.membersOf('set')) assert.equal(page[0]?.name, 'a')
    await store.removeMembers('set', ['a'])
    assert.deepEqual(
      kinds(events).filter((kind) => kind === 'store_away'),
      [],
    )
  })
})
