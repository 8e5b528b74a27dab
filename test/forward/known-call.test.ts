import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { type TestContext, test } from 'node:test'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createLogger } from '../../src/observe/logger.ts'
import { plainProcessLog } from '../../src/observe/process-log.ts'
import { startGateway } from '../support/gateway.ts'
import { rawCaller, startPlainProxy, startRawUpstream } from '../support/raw-calls.ts'
import { toolCall } from '../support/raw-http.ts'

/**
 * What a call with a known token may do: counted, and measured by what it allocates beside a plain
 * proxy in the same process. Neither depends on how busy the machine is.
 */
interface Cost {
  /** Signatures that were checked or made. */
  readonly signatures: number
  readonly hmacs: number
  readonly digests: number
  /** Characters of JSON that were parsed to values. */
  readonly parsed: number
}

const MOST: Cost = { signatures: 0, hmacs: 0, digests: 0, parsed: 0 }
/** Bytes allocated, by those of the plain proxy: measured 2.4. */
const MOST_TIMES_PLAIN = 3

/**
 * Bytes of a call that outlive the collector's small rounds: measured 1,100 to 1,500, and 12,000 to 15,000
 * when open exchanges were in a set.
 */
const MOST_KEPT = 5_000

const CALLS = 50
const CONNECTIONS = 20

type Call = (count: number) => Promise<string>

/** A gateway whose lines go to `line`, and calls with one token in one session. */
async function knownCalls(t: TestContext, line: () => void = () => undefined) {
  const upstream = await startRawUpstream(t)
  const sink = { write: line }
  const gateway = await startGateway(t, {
    upstream,
    lines: () => plainProcessLog(createLogger('info', sink)),
  })
  const token = await gateway.entra.mint({ groups: 12 })
  const headers = [`Authorization: Bearer ${token}`, 'Content-Type: application/json']
  const body = toolCall('pods_list')
  const first = await (await rawCaller(t, gateway.url, { headers, body }))(1)
  const session = /^mcp-session-id: .*$/im.exec(first)?.[0] ?? assert.fail(first)
  const caller = () => rawCaller(t, gateway.url, { headers: [...headers, session], body })
  const known = await caller()
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, caller))
  /** On many connections at once. */
  const together = async (count: number): Promise<void> => {
    await Promise.all(connections.map((call) => call(count / CONNECTIONS)))
  }
  const plain = await rawCaller(t, await startPlainProxy(t, upstream), { headers, body })
  return { known, together, plain }
}

/** What each of these calls did, once the first ones are over. */
async function costOf(call: Call): Promise<Cost> {
  await call(3)
  const cost = { signatures: 0, hmacs: 0, digests: 0, parsed: 0 }
  const restore = [
    counting(crypto, 'verify', () => (cost.signatures += 1)),
    counting(crypto, 'createVerify', () => (cost.signatures += 1)),
    counting(crypto.webcrypto.subtle, 'verify', () => (cost.signatures += 1)),
    counting(crypto, 'createHmac', () => (cost.hmacs += 1)),
    counting(crypto, 'hash', () => (cost.digests += 1)),
    counting(crypto, 'createHash', () => (cost.digests += 1)),
    counting(JSON, 'parse', (text) => (cost.parsed += String(text).length)),
  ]
  syncBuiltinESMExports()
  try {
    await call(CALLS)
  } finally {
    for (const one of restore) one()
    syncBuiltinESMExports()
  }
  return {
    signatures: cost.signatures / CALLS,
    hmacs: cost.hmacs / CALLS,
    digests: cost.digests / CALLS,
    parsed: cost.parsed / CALLS,
  }
}

/** Puts a function in front of another; @returns takes it away again. */
function counting<Name extends string>(
  owner: { [K in Name]: (...given: never[]) => unknown },
  name: Name,
  count: (...given: unknown[]) => void,
): () => void {
  const counted = owner[name]
  owner[name] = function (this: unknown, ...given: never[]): unknown {
    count(...given)
    return Reflect.apply(counted, this, given)
  } as (typeof owner)[Name]
  return () => {
    owner[name] = counted
  }
}

/**
 * Bytes that one call allocates, from batches of ten. Where the garbage was collected meanwhile a batch
 * seems to give memory back, and where code was compiled it takes too much: the lower ones are whole.
 */
async function bytesOf(call: Call): Promise<number> {
  await call(400)
  const batches: number[] = []
  for (let i = 0; i < 60; i += 1) {
    const before = process.memoryUsage().heapUsed
    await call(10)
    batches.push((process.memoryUsage().heapUsed - before) / 10)
  }
  const whole = batches.filter((bytes) => bytes > 0).sort((a, b) => a - b)
  return whole[Math.floor(whole.length * 0.25)] ?? Number.NaN
}

/** Bytes that one call adds to the old generation: in the middle of five batches. */
async function keptOf(call: (count: number) => Promise<void>): Promise<number> {
  const begun = call(2_000)
  // Among calls: what holds these is old from now on, and must not hold those that come later.
  setTimeout(collect, 100)
  await begun
  const batches: number[] = []
  for (let i = 0; i < 5; i += 1) {
    const before = oldGeneration()
    await call(2_000)
    batches.push((oldGeneration() - before) / 2_000)
  }
  return batches.sort((a, b) => a - b)[2] ?? Number.NaN
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

function oldGeneration(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')
  return space?.space_used_size ?? Number.NaN
}

function assertCheap(cost: Cost): void {
  for (const [what, most] of Object.entries(MOST)) {
    const found = cost[what as keyof Cost]
    assert.ok(
      found <= most,
      `${found} ${what} for a call with a known token, where ${most} will do`,
    )
  }
}

function assertForgotten(kept: number): void {
  assert.ok(kept < MOST_KEPT, `a known call leaves ${Math.round(kept)} bytes behind`)
}

function assertLean(known: number, plain: number): void {
  const times = known / plain
  assert.ok(
    times < MOST_TIMES_PLAIN,
    `a known call allocates ${Math.round(known)} bytes, ${times.toFixed(2)} times a plain proxy's ${Math.round(plain)}`,
  )
}

test('a call with a known token checks no signature, makes no MAC and parses no JSON', async (t) => {
  const { known } = await knownCalls(t)
  assertCheap(await costOf(known))
})

test('a call with a known token allocates little more than a plain proxy', async (t) => {
  const { known, plain } = await knownCalls(t)
  const [own, floor] = [await bytesOf(known), await bytesOf(plain)]
  t.diagnostic(`${Math.round(own)} and ${Math.round(floor)} bytes`)
  assertLean(own, floor)
})

test('a call that is over is forgotten by the small rounds of the collector', async (t) => {
  const { together } = await knownCalls(t)
  const kept = await keptOf(together)
  t.diagnostic(`${Math.round(kept)} bytes`)
  assertForgotten(kept)
})

const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
const text = Buffer.from('a token')
const signature = crypto.sign('sha256', text, privateKey)
const tenKilobytes = JSON.stringify(Array.from({ length: 400 }, (_, i) => `some member ${i} of it`))

test('all notice a signature check, ten kilobytes of JSON and what is kept on the way', async (t) => {
  const verified = await knownCalls(t, () => {
    crypto.verify('sha256', text, publicKey, signature)
  })
  assert.throws(() => assertCheap({ ...MOST, signatures: 1 }))
  const cost = await costOf(verified.known)
  assert.throws(() => assertCheap(cost), /signatures/)
  const parsing = await knownCalls(t, () => {
    JSON.parse(tenKilobytes)
  })
  const parsed = await costOf(parsing.known)
  assert.throws(() => assertCheap(parsed), /parsed/)
  const [own, floor] = [await bytesOf(parsing.known), await bytesOf(parsing.plain)]
  assert.throws(() => assertLean(own, floor), /allocates/)
  const kept: unknown[] = []
  const keeping = await knownCalls(t, () => {
    kept.push(Array.from({ length: 300 }, (_, i) => i + 0.5))
  })
  const left = await keptOf(keeping.together)
  assert.throws(() => assertForgotten(left), /leaves/)
})
