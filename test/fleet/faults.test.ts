import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { SimulatedClock } from '../support/clock.ts'
import {
  askFleet,
  callFleet,
  type FleetAsked,
  outcomesOf,
  rpc,
  scriptOf,
  textsOf,
} from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import type { GatewayOptions } from '../support/gateway.ts'
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts'
import {
  bodyOf,
  followScript,
  type Script,
  type Scripted,
  status,
} from '../support/scripted-mcp.ts'

/** A fleet of `good`, which answers, and `bad`, which does what a test says. */
async function startPair(
  t: TestContext,
  bad: Script = {},
  options: Partial<GatewayOptions> = {},
): Promise<{ good: RecordingUpstream; bad: RecordingUpstream; asked: FleetAsked }> {
  const upstreams = { good: await startUpstream(t), bad: await startUpstream(t) }
  followScript(upstreams.good, scriptOf())
  followScript(upstreams.bad, scriptOf(bad))
  const gateway = await startFleetGateway(
    t,
    Object.entries(upstreams).map(([name, { url }]) => ({ name, upstream: url })),
    options,
  )
  const token = await gateway.entra.mint({ person: 'alice' })
  return { ...upstreams, asked: { url: gateway.fleetUrl, token } }
}

function sent({ received }: RecordingUpstream, method: string): number {
  return received.filter((one) => one.method === 'POST' && bodyOf(one).method === method).length
}

const answerWith =
  (text: string, type = 'application/json') =>
  (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': type }).end(text)
  }

function cut(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
  response.write('{"jsonrpc":')
  setTimeout(() => response.destroy(), 20)
}

const huge = { result: { content: [{ type: 'text', text: 'x'.repeat(5_000_000) }] } }
const refused = {
  result: {
    isError: true,
    content: [{ type: 'text', text: 'pods is forbidden: User "alice" cannot list' }],
  },
}

type Row = readonly [fault: string, call: Scripted, outcome: string]

const faults: readonly Row[] = [
  ['401', status(401, { 'www-authenticate': 'Bearer' }), 'sign_in_needed'],
  ['403', status(403, { 'www-authenticate': 'Bearer error="insufficient_scope"' }), 'forbidden'],
  ['404', status(404), 'tool_error'],
  ['429', status(429, { 'retry-after': '1' }), 'tool_error'],
  ['500', status(500), 'unreachable'],
  ['a redirect', status(307, { location: 'http://127.0.0.1:1/mcp' }), 'unreachable'],
  ['a page', answerWith('<html>Sign in</html>', 'text/html'), 'unreachable'],
  ['garbage', answerWith('{"jsonrpc":"2.0","id":'), 'unreachable'],
  ['JSON that is no message', answerWith('[]'), 'unreachable'],
  [
    'the answer to another call',
    answerWith('{"jsonrpc":"2.0","id":99,"result":{}}'),
    'unreachable',
  ],
  ['events without an answer', answerWith(': nothing\n\n', 'text/event-stream'), 'unreachable'],
  ['an answer that is cut', cut, 'unreachable'],
  ['an answer beyond its share', huge, 'too_large'],
  ["the API server's refusal", refused, 'forbidden'],
  ['an error of the protocol', { error: { code: -32602, message: 'no' } }, 'tool_error'],
]

for (const [fault, call, outcome] of faults) {
  test(`one cluster answers with ${fault}: the other is not hurt, and nothing is sent twice`, async (t) => {
    const { bad, good, asked } = await startPair(t, { call: () => call })
    const both = await callFleet(asked, 'pods_list', { cluster: '*' })
    assert.deepEqual(outcomesOf(both), { good: 'ok', bad: outcome })
    assert.equal(both.isError, false)
    assert.match(
      textsOf(both).at(-1) ?? '',
      /^1 of 2 clusters answered\. Not in this answer: bad \(/,
    )
    assert.equal(sent(bad, 'tools/call'), 1)
    assert.equal(sent(good, 'tools/call'), 1)
    const alone = await callFleet(asked, 'pods_delete', { cluster: 'bad' })
    assert.equal(sent(bad, 'tools/call'), 2)
    if (outcome !== 'too_large') assert.equal(alone.isError, true)
    assert.doesNotMatch(JSON.stringify([both, alone]), /401|unauthorized/i)
  })
}

for (const [what, script] of [
  ['lists no tools', { list: status(500) }],
  ['does not let its session begin', { initialize: status(503) }],
  ['lists what is no list', { list: { result: { tools: 'all' } } }],
] as const) {
  test(`a cluster that ${what} is still there by name`, async (t) => {
    const { asked, bad } = await startPair(t, script)
    const { message } = await askFleet(asked, rpc('tools/list'))
    assert.match(JSON.stringify(message.result), /"enum":\["good","bad"/)
    const both = await callFleet(asked, 'pods_list', { cluster: '*' })
    assert.deepEqual(outcomesOf(both), { good: 'ok', bad: 'unreachable' })
    const list = await callFleet(asked, 'clusters_list', {})
    assert.match(textsOf(list)[0] ?? '', /- good: reachable.*\n- bad: not reachable now/)
    assert.equal(sent(bad, 'tools/call'), 0)
  })
}

test('a lost session is opened once more, and its call is made once', async (t) => {
  let isLost = false
  const call = (): Scripted => {
    if (!isLost) return { result: { content: [{ type: 'text', text: 'here' }] } }
    isLost = false
    return status(404)
  }
  const { asked, bad } = await startPair(t, { sessionId: 'one', call })
  const here = () => callFleet(asked, 'pods_list', { cluster: 'bad' })
  assert.deepEqual(textsOf(await here()), ['here'])
  const opened = sent(bad, 'initialize')
  isLost = true
  assert.deepEqual(textsOf(await here()), ['here'])
  assert.equal(sent(bad, 'initialize'), opened + 1)
  assert.equal(sent(bad, 'tools/call'), 3)
})

test('the tools are there still when their list is asked for again in the same session', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const { asked, bad } = await startPair(t, { sessionId: 'one' }, { clock })
  for (let i = 0; i < 3; i += 1) {
    const answer = await callFleet(asked, 'pods_list', { cluster: 'bad' })
    assert.notEqual(answer.isError, true, textsOf(answer)[0])
    await clock.advance(61_000)
  }
  assert.deepEqual([sent(bad, 'tools/list'), sent(bad, 'initialize')], [3, 1])
})

test('a session that is always lost is not opened again and again', async (t) => {
  const { asked, bad } = await startPair(t, { sessionId: 'one', call: () => status(404) })
  const answer = await callFleet(asked, 'pods_delete', { cluster: 'bad' })
  assert.equal(answer.isError, true)
  assert.equal(sent(bad, 'tools/call'), 2)
})

test('a cluster that is lost is left alone for a while, then one call tries it', async (t) => {
  const clock = new SimulatedClock(Date.now())
  let isAway = true
  const call = (): Scripted => (isAway ? status(502) : { result: { content: [] } })
  const { asked, bad } = await startPair(t, { call }, { clock })
  const away = () => callFleet(asked, 'pods_list', { cluster: 'bad' })
  for (let i = 0; i < 5; i += 1) assert.equal((await away()).isError, true)
  assert.equal(sent(bad, 'tools/call'), 3)
  await clock.advance(10_001)
  const tried = await Promise.all([away(), away(), away()])
  assert.ok(tried.every(({ isError }) => isError))
  assert.equal(sent(bad, 'tools/call'), 4)
  isAway = false
  await clock.advance(10_001)
  assert.notEqual((await away()).isError, true)
  assert.notEqual((await away()).isError, true)
  assert.equal(sent(bad, 'tools/call'), 6)
})

test('what a cluster refuses, and a client that leaves, do not count against it', async (t) => {
  let answer: Scripted = status(403)
  const { asked, bad } = await startPair(t, { call: () => answer })
  for (let i = 0; i < 4; i += 1) await callFleet(asked, 'pods_list', { cluster: 'bad' })
  let closed = 0
  answer = (response) => void response.once('close', () => (closed += 1))
  for (let i = 0; i < 4; i += 1) {
    const before = sent(bad, 'tools/call')
    const leaving = new AbortController()
    const left = callFleet({ ...asked, signal: leaving.signal }, 'pods_list', { cluster: 'bad' })
    left.catch(() => undefined)
    await until(() => sent(bad, 'tools/call') > before)
    leaving.abort()
    await assert.rejects(left)
    // The call at the cluster ends with it.
    await until(() => closed === i + 1)
  }
  answer = { result: { content: [{ type: 'text', text: 'still here' }] } }
  assert.deepEqual(textsOf(await callFleet(asked, 'pods_list', { cluster: 'bad' })), ['still here'])
})

test('one that hangs costs the others nothing', async (t) => {
  const hang = () => undefined
  const { asked, bad } = await startPair(t, { initialize: hang, list: hang, call: () => hang })
  bad.answerWith(hang)
  const began = performance.now()
  const one = await callFleet(asked, 'pods_list', { cluster: 'good' })
  assert.notEqual(one.isError, true)
  assert.ok(performance.now() - began < 1_900, 'the call waits for no other cluster')
  const both = await callFleet(asked, 'pods_list', { cluster: '*' })
  assert.deepEqual(outcomesOf(both), { good: 'ok', bad: 'unreachable' })
  // Who asks while it is known to let others wait does not wait.
  const again = performance.now()
  await askFleet(asked, rpc('tools/list'))
  assert.ok(performance.now() - again < 1_900, 'the list waits once')
  const lists = performance.now()
  const methods = ['resources/list', 'resources/templates/list', 'prompts/list']
  await Promise.all(methods.map((method) => askFleet(asked, rpc(method))))
  assert.ok(performance.now() - lists < 3_000, 'other lists wait for it no longer')
})

test('initialize, discover and ping never wait for a cluster', async (t) => {
  const { asked, good, bad } = await startPair(t)
  for (const upstream of [good, bad]) upstream.answerWith(() => undefined)
  const initialize = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'x', version: '1' },
  }
  const begun = await askFleet(asked, rpc('initialize', initialize))
  assert.match(String(begun.message.result?.['instructions']), /- good\n- bad/)
  assert.deepEqual((await askFleet(asked, rpc('ping'))).message.result, {})
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'server/discover' }
  const found = await askFleet({ ...asked, headers }, rpc('server/discover', { _meta: meta }))
  assert.match(JSON.stringify(found.message.result), /- good\\n- bad/)
  assert.equal(good.received.length + bad.received.length, 0)
})

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i += 1) await wait(10)
  assert.ok(holds())
}
