import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SimulatedClock } from '../support/clock.ts'
import { startGateway } from '../support/gateway.ts'
import { post, send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { failure, followScript, type Scripted, success } from '../support/scripted-mcp.ts'

/** As kubernetes-mcp-server 0.0.67 answers when the API server refuses the token. */
const REFUSED = 'failed to list pods: the server has asked for the client to provide credentials'
const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pods_list"}}'
const list = '{"jsonrpc":"2.0","id":2,"method":"tools/list"}'

async function start(t: TestContext, answer: () => Scripted, events = false) {
  const clock = new SimulatedClock(Date.now())
  const upstream = await startUpstream(t)
  followScript(upstream, { call: answer, events })
  const gateway = await startGateway(t, { upstream: upstream.url, clock })
  const ask = async (token: string, body = call) => {
    const { status, headers, text } = await send(gateway.url, post(token, body))
    return { status, challenge: String(headers['www-authenticate'] ?? ''), text }
  }
  const statuses = async (token: string, count: number) => {
    const all: number[] = []
    for (let i = 0; i < count; i += 1) all.push((await ask(token)).status)
    return all
  }
  return { gateway, clock, upstream, ask, statuses, mint: gateway.entra.mint }
}

for (const [how, events, text] of [
  ['JSON', false, REFUSED],
  ['an event stream', true, REFUSED],
  ['the words of the API server', false, 'Unauthorized'],
  ['the same behind others', false, 'list pods: Unauthorized'],
] as const) {
  test(`the API server's 401 in a tool result is a challenge at the next request, once: ${how}`, async (t) => {
    const { ask, statuses, mint } = await start(t, () => failure(text), events)
    const token = await mint()
    const first = await ask(token)
    assert.equal(first.status, 200, 'the answer itself passes as it came')
    assert.ok(first.text.includes(text))
    const second = await ask(token, list)
    assert.equal(second.status, 401)
    assert.match(second.challenge, /error="invalid_token"/)
    assert.match(second.text, /API server refused this token.*sign in again/)
    assert.deepEqual(await statuses(token, 5), [200, 200, 200, 200, 200])
  })
}

test('a new token is good at once, and other users are told nothing', async (t) => {
  let answer: Scripted = failure(REFUSED)
  const { statuses, mint } = await start(t, () => answer)
  const [old, bob] = [await mint(), await mint({ person: 'bob' })]
  assert.deepEqual(await statuses(old, 1), [200])
  answer = success
  assert.deepEqual(await statuses(bob, 2), [200, 200])
  assert.deepEqual(await statuses(await mint(), 2), [200, 200])
})

test('where the cluster refuses every token, a user is told once in five minutes', async (t) => {
  const { statuses, mint, clock } = await start(t, () => failure(REFUSED))
  assert.deepEqual(await statuses(await mint(), 2), [200, 401])
  for (let i = 0; i < 3; i += 1) assert.deepEqual(await statuses(await mint(), 3), [200, 200, 200])
  await clock.advance(301_000)
  assert.deepEqual(await statuses(await mint(), 3), [200, 401, 200])
})

for (const [what, answer] of [
  ["the cluster's 403", failure('pods is forbidden: User "alice" cannot list resource "pods"')],
  ['another error of a tool', failure('Unauthorized access to the dashboard is discussed here')],
  ["another server's 401", failure('failed to fetch https://charts.example: 401 Unauthorized')],
  ['a good answer with these words', { result: { content: [{ type: 'text', text: REFUSED }] } }],
  ['a large answer', failure(`${'x'.repeat(9_000)}${REFUSED}`)],
  ['an error of JSON-RPC', { error: { code: -32000, message: REFUSED } }],
] as const) {
  test(`no challenge comes of ${what}`, async (t) => {
    const { statuses, mint } = await start(t, () => answer)
    assert.deepEqual(await statuses(await mint(), 3), [200, 200, 200])
  })
}
