import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type FaultyProvider, startWithFaultyProvider } from '../support/fault-identity-provider.ts'
import {
  countStatuses,
  quantile,
  repeat,
  startCaller,
  startSteadyLoad,
} from '../support/fault-load.ts'
import { post, send } from '../support/raw-http.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute

const people = ['alice', 'bob', 'carol', 'alice', 'bob', 'carol']

/** A good token of this person that outlives the test. */
function tokenOf({ entra }: FaultyProvider, person: string, kid?: string): Promise<string> {
  return entra.mint({ person, lifetime: 86_400, ...(kid === undefined ? {} : { kid }) })
}

async function statusOf({ gateway }: FaultyProvider, token: string): Promise<number> {
  return (await send(gateway.url, post(token))).status
}

test('keys rotate under load and no good token is refused', async (t) => {
  const world = await startWithFaultyProvider(t)
  const { clock, entra, front, gateway } = world
  const { call } = startCaller(t, gateway.url, people.length)
  const mint = (person: string) => tokenOf(world, person)
  const load = startSteadyLoad(t, { people, mint, call })
  await load.renewTokens()
  assert.equal(front.requests.keys, 1)

  const first = entra.keyIds().current
  const second = await entra.rotate() // signs at once, as when a key was stolen
  await load.renewTokens()
  assert.equal(front.requests.keys, 2, 'one fetch for the first token of the new key')
  assert.equal(await statusOf(world, await tokenOf(world, 'bob', first)), 200)

  const third = await entra.addKey() // published beforehand, as usual
  await clock.advance(hour)
  assert.equal(front.requests.keys, 3, 'the hourly fetch')
  entra.useKey(third)
  await load.renewTokens()
  assert.equal(front.requests.keys, 3, 'the next key was known before it signed')

  const seen = await tokenOf(world, 'alice', second)
  assert.equal(await statusOf(world, seen), 200)
  entra.retireKey(second)
  await clock.advance(hour - 1)
  assert.equal(await statusOf(world, seen), 200, 'a retired key counts until the next fetch')
  assert.equal(await statusOf(world, await tokenOf(world, 'bob', second)), 200)
  await clock.advance(1)
  assert.equal(front.requests.keys, 4)
  assert.equal(await statusOf(world, seen), 401, 'and not after it, cached or not')
  await load.stop()
  assert.deepEqual(Object.keys(countStatuses(load.answers)), ['200'])
  t.diagnostic(`${load.answers.length} calls during two rotations, 4 key set GETs`)
})

test('a key that signs as soon as it is published is taken right after a fetch, and 503 while none is allowed', async (t) => {
  const world = await startWithFaultyProvider(t)
  const { clock, entra, front, gateway } = world
  await entra.rotate()
  assert.equal(await statusOf(world, await entra.mint()), 200)
  assert.equal(front.requests.keys, 2)
  await clock.advance(10 * second)
  await entra.rotate()
  const token = await entra.mint()
  const answer = await send(gateway.url, post(token))
  assert.equal(answer.status, 503, 'never a 401: Entra says iat five minutes early')
  assert.equal(answer.headers['retry-after'], '20')
  await clock.advance(20 * second)
  assert.equal(await statusOf(world, token), 200)
  assert.equal(front.requests.keys, 3)
})

test('an hour without the provider is noticed by nobody whose key is known', async (t) => {
  const world = await startWithFaultyProvider(t, { stale_for: 70 * minute })
  const { clock, entra, front, gateway } = world
  const seen = await tokenOf(world, 'alice')
  assert.equal(await statusOf(world, seen), 200)

  front.cut = true
  const next = await entra.addKey()
  for (let passed = 0; passed < 60; passed += 10) {
    await clock.advance(10 * minute)
    assert.equal(await statusOf(world, seen), 200)
    assert.equal(await statusOf(world, await tokenOf(world, 'bob')), 200, 'a token never seen')
  }
  const unknown = await send(gateway.url, post(await tokenOf(world, 'carol', next)))
  assert.equal(unknown.status, 503)
  const wait = Number(unknown.headers['retry-after'])
  assert.ok(wait >= 1 && wait <= 30, `Retry-After: ${wait}`)
  assert.equal(unknown.json()['error'], 'temporarily_unavailable')
  assert.equal(unknown.headers['www-authenticate'], undefined, 'nobody is sent to sign in')

  await clock.advance(10 * minute)
  assert.equal(await statusOf(world, seen), 200, 'keys as old as stale_for')
  await clock.advance(second)
  for (const token of [seen, await tokenOf(world, 'bob'), await tokenOf(world, 'carol', next)]) {
    const answer = await send(gateway.url, post(token))
    assert.equal(answer.status, 503)
    assert.ok(Number(answer.headers['retry-after']) >= 1)
  }

  front.cut = false
  await clock.advance(15 * second)
  for (const token of [seen, await tokenOf(world, 'bob'), await tokenOf(world, 'carol', next)]) {
    assert.equal(await statusOf(world, token), 200, 'within 15 s of its return')
  }
})

test('a flood of unknown keys costs one fetch in 30 s, and no good token a 401 or a wait', async (t) => {
  const world = await startWithFaultyProvider(t)
  const { clock, entra, front, gateway } = world
  const { call } = startCaller(t, gateway.url, people.length)
  const mint = (person: string) => tokenOf(world, person)
  const load = startSteadyLoad(t, { people, mint, call })
  await load.renewTokens()

  let answerKeys: () => void = () => undefined
  front.answerWith('keys', (_request, response) => {
    answerKeys = () => response.destroy()
  })
  const flood = startCaller(t, gateway.url, 50)
  const forged = await forgeries(entra, clock)
  const before = front.requests.keys
  const waited: number[] = []
  const refused: { status: number }[] = []
  const half = repeat(1000, 50, async () => {
    refused.push(await flood.call(forged()))
  })
  while (front.requests.keys === before) await new Promise((resolve) => setImmediate(resolve))
  const from = load.answers.length
  await load.renewTokens() // fresh tokens of a known key, while the fetch hangs
  waited.push(...load.answers.slice(from).map(({ took }) => took))
  front.answerWith('keys', undefined)
  answerKeys()
  await half
  assert.equal(front.requests.keys, before + 1)

  await repeat(1000, 50, async () => {
    refused.push(await flood.call(forged()))
  })
  assert.equal(front.requests.keys, before + 1, 'nothing more within 30 s')
  await clock.advance(30 * second)
  await repeat(100, 50, async () => {
    refused.push(await flood.call(forged()))
  })
  assert.equal(front.requests.keys, before + 2)

  await entra.rotate()
  const young = await send(gateway.url, post(await entra.mint()))
  assert.equal(young.status, 503, 'a good token of a new key waits; it is not thrown away')
  await load.stop()
  assert.deepEqual(Object.keys(countStatuses(load.answers)), ['200'])
  assert.ok(refused.every(({ status }) => status === 401 || status === 503))
  assert.ok(Math.max(...waited) < 2000, `a good token waited ${Math.max(...waited)} ms`)
  t.diagnostic(
    `${refused.length} forged (${JSON.stringify(countStatuses(refused))}), ${load.answers.length} good calls, p95 ${quantile(
      load.answers.map(({ took }) => took),
      0.95,
    ).toFixed(1)} ms during the flood`,
  )
})

/** Tokens that are right but for their key, each with a key id of its own. */
async function forgeries(
  entra: FaultyProvider['entra'],
  clock: FaultyProvider['clock'],
): Promise<() => string> {
  const iat = Math.floor(clock.now() / 1000) + 29
  const [header = '', payload] = (await entra.mint({ claims: { iat } })).split('.')
  const plain = JSON.parse(Buffer.from(header, 'base64url').toString())
  return () => {
    const kid = randomBytes(20).toString('base64url')
    const forged = Buffer.from(JSON.stringify({ ...plain, kid, x5t: kid })).toString('base64url')
    return `${forged}.${payload}.${randomBytes(256).toString('base64url')}`
  }
}
