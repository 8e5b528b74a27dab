import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { Clock } from '../../src/clock.ts'
import { SimulatedClock } from '../support/clock.ts'
import { askFleet, callFleet, type FleetAsked, rpc, scriptOf } from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts'
import { bodyOf, followScript, type Script } from '../support/scripted-mcp.ts'

const initialize = rpc('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'raw', version: '1' },
})

async function startSession(
  t: TestContext,
  script: Script,
  { clock, lifetime = 3600 }: { readonly clock?: Clock; readonly lifetime?: number } = {},
) {
  const upstream = await startUpstream(t)
  followScript(upstream, scriptOf(script))
  const gateway = await startFleetGateway(
    t,
    [{ name: 'prod', upstream: upstream.url }],
    clock ? { clock } : {},
  )
  const token = await gateway.entra.mint({ person: 'alice', lifetime })
  const asked = { url: gateway.fleetUrl, token }
  const begun = await askFleet(asked, initialize)
  const headers = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' }
  return { upstream, gateway, own: { ...asked, headers } }
}

async function end({ url, token, headers }: FleetAsked): Promise<number> {
  const answer = await fetch(url, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}`, ...headers },
  })
  await answer.body?.cancel()
  return answer.status
}

const ended = ({ received }: RecordingUpstream) =>
  received.filter(({ method }) => method === 'DELETE')

async function untilEnded(upstream: RecordingUpstream) {
  for (let i = 0; i < 500 && ended(upstream).length === 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return ended(upstream)
}

const opened = ({ received }: RecordingUpstream) =>
  received.filter((one) => bodyOf(one).method === 'initialize').length

test('a session that its client ends is ended at the clusters too, as the user, and is over', async (t) => {
  const { upstream, own } = await startSession(t, { sessionId: 'up' })
  await callFleet(own, 'pods_list', { cluster: 'prod' })
  const before = opened(upstream)
  assert.equal(await end(own), 204)
  const [sent, ...more] = await untilEnded(upstream)
  assert.deepEqual(more, [])
  assert.equal(sent?.headers['mcp-session-id'], 'up')
  assert.equal(sent.headers['mcp-protocol-version'], '2025-06-18')
  assert.equal(sent.headers.authorization, `Bearer ${own.token}`)
  for (const status of [(await askFleet(own, rpc('ping'))).status, await end(own)]) {
    assert.equal(status, 404)
  }
  const begun = await askFleet({ url: own.url, token: own.token }, initialize)
  const headers = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' }
  await callFleet({ ...own, headers }, 'pods_list', { cluster: 'prod' })
  assert.equal(opened(upstream), before + 1)
})

test('a session is not ended by another user, nor one that the cluster does not have', async (t) => {
  const { upstream, own, gateway } = await startSession(t, { sessionId: 'up' })
  await callFleet(own, 'pods_list', { cluster: 'prod' })
  const bob = { ...own, token: await gateway.entra.mint({ person: 'bob' }) }
  assert.equal(await end(bob), 404)
  assert.equal(await end({ ...own, headers: {} }), 405)
  assert.equal(await end({ ...own, headers: { 'mcp-session-id': 'up' } }), 404)
  const without = await startSession(t, {})
  await callFleet(without.own, 'pods_list', { cluster: 'prod' })
  assert.equal(await end(without.own), 204)
  await callFleet(own, 'pods_list', { cluster: 'prod' })
  assert.deepEqual([ended(upstream), ended(without.upstream)], [[], []])
})

const HOUR_MS = 3_600_000

test('a session that nobody uses for an hour is ended at its cluster, with its own token', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const { upstream, own, gateway } = await startSession(
    t,
    { sessionId: 'up' },
    { clock, lifetime: 4 * 3600 },
  )
  await callFleet(own, 'pods_list', { cluster: 'prod' })
  // Bob's session with the same cluster goes on, and is not asked to end alice's.
  const bob = { url: own.url, token: await gateway.entra.mint({ person: 'bob', lifetime: 14_400 }) }
  await clock.advance(HOUR_MS - 60_000)
  await callFleet(bob, 'pods_list', { cluster: 'prod' })
  assert.deepEqual(ended(upstream), [])
  await clock.advance(120_001)
  const [sent, ...more] = await untilEnded(upstream)
  assert.deepEqual(more, [])
  assert.equal(sent?.headers['mcp-session-id'], 'up')
  assert.equal(sent.headers.authorization, `Bearer ${own.token}`)
})

test('after the end of its token nothing is sent, when it is forgotten and at a stop', async (t) => {
  for (const advanced of [HOUR_MS + 60_001, 1_801_000]) {
    const clock = new SimulatedClock(Date.now())
    const { upstream, own, gateway } = await startSession(
      t,
      { sessionId: 'up' },
      { clock, lifetime: 1800 },
    )
    await callFleet(own, 'pods_list', { cluster: 'prod' })
    await clock.advance(advanced)
    await gateway.service.stop(AbortSignal.abort())
    assert.deepEqual(ended(upstream), [])
  }
})

test('at a stop the sessions at the clusters are ended, each with its own token', async (t) => {
  const { upstream, own, gateway } = await startSession(t, { sessionId: 'up' })
  const bob = { url: own.url, token: await gateway.entra.mint({ person: 'bob' }) }
  for (const asked of [own, bob]) await callFleet(asked, 'pods_list', { cluster: 'prod' })
  await gateway.service.stop(AbortSignal.abort())
  assert.deepEqual(
    new Set(ended(upstream).map(({ headers }) => headers.authorization)),
    new Set([`Bearer ${own.token}`, `Bearer ${bob.token}`]),
  )
})

test('a cluster that hangs does not hold up a stop', async (t) => {
  const { upstream, own, gateway } = await startSession(t, { sessionId: 'up' })
  await callFleet(own, 'pods_list', { cluster: 'prod' })
  upstream.answerWith(() => undefined)
  const began = performance.now()
  await gateway.service.stop(AbortSignal.abort())
  assert.ok(performance.now() - began < 4_000)
  assert.equal(ended(upstream).length, 1)
})

test('what is open of a session ends with it, at the cluster too', {
  timeout: 20_000,
}, async (t) => {
  let closedAtCluster: Promise<unknown> | undefined
  const { upstream, own } = await startSession(t, {
    sessionId: 'up',
    call: () => (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': works\n\n')
      closedAtCluster = once(response, 'close')
    },
  })
  const { url, token, headers } = own
  const stream = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', ...headers },
  })
  const call = askFleet(
    own,
    rpc('tools/call', { name: 'pods_list', arguments: { cluster: 'prod' } }),
  )
  while (closedAtCluster === undefined) await new Promise((resolve) => setTimeout(resolve, 2))
  assert.equal(await end(own), 204)
  assert.deepEqual((await call).message, {})
  await stream.text()
  await closedAtCluster
  assert.equal((await untilEnded(upstream)).length, 1)
})
