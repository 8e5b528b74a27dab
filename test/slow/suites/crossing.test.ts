import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { IncomingMessage, RequestListener } from 'node:http'
import { test } from 'node:test'
import { type Dispatcher, Pool } from 'undici'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { quantile, repeat } from '../../support/fault-load.ts'
import { prepareServe, untilReady } from '../../support/fault-process.ts'
import { startEntra } from '../../support/gateway.ts'
import { toolCall } from '../../support/raw-http.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'

const people = 200
const calls = 20_000
const concurrency = 64

interface Person {
  readonly oid: string
  token: string
  session: string | undefined
}

/** What the upstream says of a request, in every kind of answer. */
interface Told {
  readonly call: string
  readonly oid: string
  readonly digest: string
}

const kinds = ['call', 'call', 'call', 'events', 'stream', 'notification', 'delete'] as const
type Kind = (typeof kinds)[number]

test('200 people interleaved over 20,000 calls: no answer crosses, nothing is retried, nothing is lost', {
  timeout: 15 * 60_000,
}, async (t) => {
  const upstream = await startUpstream(t)
  const seen = new Map<string, number>()
  const faults: string[] = []
  upstream.answerWith(answerWithCaller(seen, faults))
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    upstream: upstream.url,
    tenantId: entra.tenantId,
    authority: entra.origin,
  })
  const serving = await serve()
  await untilReady(serving)
  const { origin, pathname } = new URL(serving.url)
  const pool = new Pool(origin, { connections: concurrency })
  t.after(() => pool.destroy())

  const everybody: Person[] = await Promise.all(
    Array.from({ length: people }, async (_, index) => {
      const oid = `0000${String(index).padStart(4, '0')}-0000-4000-8000-00000000c0de`
      return { oid, token: await tokenOf(entra, oid), session: undefined }
    }),
  )
  const counts = { permitted: 0, expired: 0, hungUp: 0 }
  const latencies: number[] = []
  const began = performance.now()
  await repeat(calls, concurrency, async (index) => {
    // Neighbours in time are different people, on connections that all of them share.
    const person = everybody[(index * 37) % people]
    assert.ok(person)
    const kind = kinds[index % kinds.length] ?? 'call'
    const id = `call-${index}`
    if (index % 31 === 0) {
      await hangUp(pool, requestOf(person, kind, { id, pathname }), index % 8)
      counts.hungUp += 1
      assert.ok((seen.get(id) ?? 0) <= 1)
      return
    }
    const { token } = person
    const sent = performance.now()
    const answer = await pool.request(requestOf(person, kind, { id, pathname }))
    const text = await answer.body.text()
    latencies.push(performance.now() - sent)
    if (answer.statusCode === 401) {
      assert.match(text, /expired/)
      assert.equal(seen.get(id), undefined, 'an expired token reaches no upstream')
      counts.expired += 1
      if (person.token === token) person.token = await tokenOf(entra, person.oid)
      return
    }
    counts.permitted += 1
    assert.equal(answer.statusCode, kind === 'notification' ? 202 : 200, text)
    const told: Told = JSON.parse(text.replace(/^data: /, ''))
    assert.deepEqual(told, { call: id, oid: person.oid, digest: digestOf(token) })
    assert.equal(seen.get(id), 1)
    const session = answer.headers['mcp-session-id']
    if (typeof session === 'string') person.session = session
  })
  const seconds = (performance.now() - began) / 1000

  assert.deepEqual(faults, [])
  assert.ok(
    [...seen.values()].every((count) => count === 1),
    'nothing was sent twice',
  )
  const ofHungUp = [...seen.keys()].filter((id) => Number(id.slice(5)) % 31 === 0).length
  assert.equal(seen.size - ofHungUp, counts.permitted, 'as many arrived as were permitted')
  assert.equal(counts.permitted + counts.expired + counts.hungUp, calls)
  assert.ok(counts.expired > 0 && counts.hungUp > 600 && ofHungUp > 0)
  t.diagnostic(
    `${calls} calls in ${seconds.toFixed(1)} s (${(calls / seconds).toFixed(0)}/s): ${JSON.stringify(counts)}, ${ofHungUp} of those that hung up had arrived; p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p99 ${quantile(latencies, 0.99).toFixed(1)} ms`,
  )
})

/** Good for 5 to 25 seconds: it ends during the run. */
function tokenOf(entra: MockEntra, oid: string): Promise<string> {
  const lifetime = 5 + (Number.parseInt(oid.slice(4, 8), 10) % 21)
  return entra.mint({ lifetime, claims: { oid, sub: `sub-${oid}`, upn: `${oid}@contoso.test` } })
}

function requestOf(
  person: Person,
  kind: Kind,
  { id, pathname }: { readonly id: string; readonly pathname: string },
): Dispatcher.RequestOptions & { path: string } {
  const methods: Partial<Record<Kind, 'GET' | 'DELETE'>> = { stream: 'GET', delete: 'DELETE' }
  const method = methods[kind] ?? 'POST'
  const notification = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const body = kind === 'notification' ? notification : toolCall('pods_list', id)
  return {
    path: pathname,
    method,
    headers: {
      authorization: `Bearer ${person.token}`,
      accept: 'application/json, text/event-stream',
      'accept-language': `${kind} ${id}`, // one of those that pass, also without a body
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
      ...(person.session === undefined ? {} : { 'mcp-session-id': person.session }),
    },
    ...(method === 'POST' ? { body } : {}),
  }
}

async function hangUp(
  pool: Pool,
  options: Dispatcher.RequestOptions & { path: string },
  milliseconds: number,
): Promise<void> {
  const signal = AbortSignal.timeout(milliseconds)
  await pool
    .request({ ...options, signal })
    .then(({ body }) => body.text())
    .catch(() => undefined)
}

/** Each answer says whose token came, after up to 9 ms, so that answers overtake each other. */
function answerWithCaller(seen: Map<string, number>, faults: string[]): RequestListener {
  return (incoming, response) => {
    const [kind, call] = incoming.headers['accept-language']?.split(' ') ?? []
    if (call === undefined) {
      response.end('{}') // the proof that serve asks for at its start
      return
    }
    seen.set(call, (seen.get(call) ?? 0) + 1)
    const { oid, token } = callerOf(incoming, (fault) => faults.push(`${call}: ${fault}`))
    const told: Told = { call, oid, digest: digestOf(token) }
    const streams = kind === 'events' || kind === 'stream'
    response.writeHead(kind === 'notification' ? 202 : 200, {
      'content-type': streams ? 'text/event-stream' : 'application/json',
      'mcp-session-id': `session-${oid}`,
    })
    if (streams) response.flushHeaders()
    const text = streams ? `data: ${JSON.stringify(told)}\n\n` : JSON.stringify(told)
    setTimeout(() => response.end(text), seen.size % 10)
  }
}

/** Whose request it is, by the one bearer that it must have, and by nothing else. */
function callerOf(
  { rawHeaders, headers }: IncomingMessage,
  tell: (fault: string) => void,
): { readonly oid: string; readonly token: string } {
  const values = headerValues(rawHeaders, 'authorization')
  const token = /^Bearer (\S+)$/.exec(values[0] ?? '')?.[1] ?? ''
  if (values.length !== 1 || token === '') tell('not exactly one bearer')
  const payload = token.split('.')[1] ?? 'e30'
  const { oid } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { oid: string }
  const session = headers['mcp-session-id']
  if (session !== undefined && session !== `session-${oid}`) tell('the session of another person')
  return { oid, token }
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}
