import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { SimulatedClock } from '../../support/clock.ts'
import { startEntra } from '../../support/gateway.ts'
import { type Answer, post, type Sent, send, toolCall } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import {
  codeFor,
  codeForm,
  postToken,
  refreshForm,
  signedIn,
  startRelay,
} from '../../support/relay-gateway.ts'
import { bodyOf, followScript, type Script, status } from '../../support/scripted-mcp.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

/**
 * What HolmesGPT makes of answers (reference/client-holmes-run.md §c), turned round: which answers
 * rolecall may never give, because people lose their session or a call that was made.
 */
async function start(t: TestContext, options: Parameters<typeof startRelay>[1] = {}) {
  const clock = new SimulatedClock(Date.now())
  const upstream = await startUpstream(t)
  followScript(upstream, { sessionId: 'upstream-session' })
  const entra = await startEntra(t, { clock, lifetime: 600 })
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, { upstream: upstream.url, ...options, entra, clock })
  const { access, refresh } = await signedIn(gateway, 'alice')
  const ask = (method: string, token: string | undefined = access, session?: string) =>
    send(gateway.url, request(token, method, session))
  return { clock, upstream, entra, tap, gateway, access, refresh, ask }
}

function request(token: string | undefined, method: string, session?: string): Sent {
  const id = method.startsWith('notifications/') ? {} : { id: 1 }
  const call = method === 'tools/call' ? toolCall('namespaces_list') : undefined
  const sent = post(token, call ?? JSON.stringify({ jsonrpc: '2.0', ...id, method, params: {} }))
  const line = session === undefined ? [] : [['Mcp-Session-Id', session] as const]
  return { ...sent, headers: [...(sent.headers ?? []), ...line] }
}

const json = { 'content-type': 'application/json' }
const answering = (code: number, body: string, headers = json): RequestListener => {
  return (_request, response) => response.writeHead(code, headers).end(body)
}

/** The rows of the table of token answers, as a provider would give them. */
const rows: readonly (readonly [string, RequestListener, number])[] = [
  ['400 invalid_grant', answering(400, '{"error":"invalid_grant"}'), 400],
  ['401', answering(401, '{"error":"invalid_client"}'), 503],
  ['503 JSON', answering(503, '{"error":"temporarily_unavailable"}'), 503],
  ['502 HTML', answering(502, '<html>', { 'content-type': 'text/html' }), 503],
  ['200 HTML', answering(200, '<html>', { 'content-type': 'text/html' }), 503],
  ['200 without access_token', answering(200, '{"expires_in":3600}'), 503],
  ['a reset connection', (incoming) => incoming.socket.resetAndDestroy(), 503],
  ['201', answering(201, '{"access_token":"x"}'), 503],
]
test('whatever the provider answers, HolmesGPT gets 400 or 503 in JSON, at the code and at the refresh', async (t) => {
  const { gateway, entra, tap } = await start(t)
  for (const [what, row, expected] of rows) {
    tap.answerWith(undefined)
    const { refresh } = await signedIn(gateway, 'alice')
    const code = await codeFor(entra, 'alice')
    tap.answerWith(row)
    for (const form of [codeForm(code), refreshForm(refresh)]) {
      const reply = await postToken(gateway, form)
      assert.equal(reply.status, expected, what)
      assert.ok(String(reply.body['error_description']).length <= 300)
    }
  }
})

test('a number as text never reaches HolmesGPT, nor a refresh token that could only fail', async (t) => {
  const { gateway, entra, tap, refresh } = await start(t)
  const token = await entra.mint()
  const body = { access_token: token, token_type: 'Bearer', expires_in: '3600' }
  tap.answerWith(answering(200, JSON.stringify(body)))
  const refreshed = await postToken(gateway, refreshForm(refresh))
  assert.equal(refreshed.status, 200)
  assert.ok(Number.isInteger(refreshed.body['expires_in']))
  assert.equal(typeof refreshed.body['refresh_token'], 'string')

  // Where a sign-in brought none, one of ours could only fail.
  const begun = await postToken(gateway, codeForm('any'))
  assert.equal(begun.status, 200)
  assert.ok(Number.isInteger(begun.body['expires_in']))
  assert.equal('refresh_token' in begun.body, false)
})

test('a failed exchange is followed by two requests without a token: each is 401, and nobody is locked out', async (t) => {
  const { gateway, entra, ask } = await start(t)
  assert.equal((await postToken(gateway, codeForm('made-up'))).status, 400)
  for (let i = 0; i < 2; i += 1) {
    const answer = await send(gateway.url, request(undefined, 'initialize'))
    assert.equal(answer.status, 401)
    assert.match(answer.headers['www-authenticate'] ?? '', /resource_metadata=/)
  }
  assert.equal((await ask('initialize')).status, 200)
  assert.equal((await postToken(gateway, codeForm(await codeFor(entra, 'alice')))).status, 200)
})

const steps = ['initialize', 'notifications/initialized', 'tools/list', 'tools/call']

test('401 is said of a token that is bad or over, at every step, and of nothing else', async (t) => {
  const { clock, ask, access } = await start(t)
  for (const method of steps) {
    assert.equal((await ask(method, `${access}x`)).status, 401, method)
  }
  await clock.advance(601_000)
  for (const method of steps) assert.equal((await ask(method)).status, 401, method)
})

test('what the upstream has against a token is 502, since a 401 would take it from the person', async (t) => {
  const { upstream, ask } = await start(t)
  upstream.answerWith(answering(401, '{}'))
  for (const method of steps) {
    const answer = await ask(method)
    assert.equal(answer.status, 502, method)
    assert.equal(answer.json()['error'], 'upstream_refused')
    assert.equal(answer.headers['www-authenticate'], undefined)
  }
})

test('trouble of the upstream stays what it is: tokens are kept', async (t) => {
  const { upstream, ask, gateway } = await start(t)
  for (const code of [500, 503, 404]) {
    upstream.answerWith(answering(code, '{}'))
    for (const method of steps) assert.equal((await ask(method)).status, code, `${code} ${method}`)
  }
  upstream.server.closeAllConnections()
  upstream.server.close()
  for (const method of steps) {
    const answer = await ask(method)
    assert.equal(answer.status, 502, method)
    assert.ok(!answer.text.includes(new URL(gateway.config.resources[0]?.upstream ?? '').host))
  }
})

test('a session that is not this person’s is 404, which HolmesGPT takes for its end', async (t) => {
  const { ask, entra } = await start(t)
  const session = String((await ask('initialize')).headers['mcp-session-id'])
  assert.equal((await ask('tools/list', undefined, session)).status, 200)
  const bob = await entra.mint({ person: 'bob' })
  for (const method of steps.slice(1)) {
    assert.equal((await ask(method, bob, session)).status, 404, method)
    assert.equal((await ask(method, undefined, `${session}x`)).status, 404, method)
  }
})

test('a person without the group is never told by 401 or 403, nor by these words', async (t) => {
  const { ask, upstream } = await start(t, { resource: { required_groups: ['team-401'] } })
  const answers: Answer[] = []
  for (const method of steps) answers.push(await ask(method))
  assert.deepEqual(
    answers.map((answer) => answer.status),
    [200, 202, 200, 200],
  )
  for (const { text } of answers) assert.doesNotMatch(text, /401|unauthorized/i)
  assert.equal(upstream.received.length, 0)
})

test('while nothing can be decided it is 503, which keeps the token', async (t) => {
  const { ask, entra } = await start(t)
  const unknown = await entra.mint({ signature: 'unknown-key' })
  entra.outage('503')
  for (const method of steps) {
    const answer = await ask(method, unknown)
    assert.equal(answer.status, 503, method)
    assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
    assert.equal(answer.headers['www-authenticate'], undefined)
  }
  for (const method of steps.slice(2)) assert.equal((await ask(method)).status, 200, method)
})

test('a token that was good at the beginning of a call is good at its end', async (t) => {
  const { upstream, clock, ask } = await start(t)
  let finish: () => void = () => undefined
  const script: Script = {
    call: () => (response) => {
      finish = () => status(200, json)(response)
    },
  }
  followScript(upstream, script)
  const begun = new Promise<void>((resolve) => {
    upstream.server.once('request', () => setImmediate(resolve))
  })
  const call = ask('tools/call')
  await begun
  while (bodyOf(upstream.received.at(-1)).method !== 'tools/call') {
    await new Promise((resolve) => setImmediate(resolve))
  }
  await clock.advance(601_000)
  finish()
  assert.equal((await call).status, 200)
})

test('the URL with a slash at its end is the same, without a redirect', async (t) => {
  const { gateway, access } = await start(t)
  const answer = await send(`${gateway.url}/`, request(access, 'initialize'))
  assert.equal(answer.status, 200)
})
