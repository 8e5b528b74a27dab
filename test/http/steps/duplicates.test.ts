import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../../support/broker-gateway.ts'
import { authorizeUrl } from '../../support/broker-sign-in.ts'
import { type Sent, send } from '../../support/raw-http.ts'
import { MODES, startInMode } from '../../support/sign-in-modes.ts'

const UI = 'https://ui.example.com'
type HeaderLine = NonNullable<Sent['headers']>[number]

const two: readonly HeaderLine[] = [
  ['Authorization', 'Bearer a'],
  ['Authorization', 'Bearer b'],
]
const json: readonly HeaderLine[] = [['Content-Type', 'application/json']]
const registration = JSON.stringify({ redirect_uris: ['http://localhost:1/callback'] })

test('two Authorization headers are 400 wherever people sign in, also where none is read', async (t) => {
  const { gateway } = await startBroker(t, { signIn: { popup_origins: [UI] } })
  const { origin } = gateway
  for (const [url, sent] of [
    [`${origin}/oauth/register`, { method: 'POST', headers: json, body: registration }],
    [authorizeUrl(gateway), { headers: [] }],
    [`${origin}/oauth/callback?state=x&code=y`, { headers: [] }],
    [`${origin}/oauth/popup.js`, { headers: [] }],
    [`${origin}/oauth/whoami`, { headers: [] }],
  ] as const) {
    const answer = await send(url, { ...sent, headers: [...sent.headers, ...two] })
    assert.equal(answer.status, 400, url)
    assert.match(answer.text, /more than one Authorization/)
  }
})

test('a parameter of the address that is there twice is 400 where none is read, too', async (t) => {
  const { gateway } = await startBroker(t, { signIn: { popup_origins: [UI] } })
  for (const [path, sent] of [
    ['/oauth/register', { method: 'POST', headers: json, body: registration }],
    ['/oauth/popup.js', {}],
    ['/oauth/whoami', { headers: [['Authorization', `Bearer ${await gateway.entra.mint()}`]] }],
  ] as const) {
    const answer = await send(`${gateway.origin}${path}?a=1&a=2`, sent)
    assert.deepEqual([answer.status, answer.json()['error']], [400, 'invalid_request'], path)
  }
})

test('errors of popup.js are JSON', async (t) => {
  const { gateway } = await startBroker(t, { signIn: { popup_origins: [UI] } })
  const url = `${gateway.origin}/oauth/popup.js`
  const foreign = await send(url, { headers: [['Origin', 'https://evil.example']] })
  assert.deepEqual([foreign.status, foreign.json()['error']], [403, 'origin_not_allowed'])
  const posted = await send(url, { method: 'POST' })
  assert.deepEqual([posted.status, posted.headers['allow']], [405, 'GET, OPTIONS'])
  assert.equal(posted.json()['error'], 'method_not_allowed')
})

test('the page for people takes GET and HEAD, and says so', async (t) => {
  for (const mode of MODES) {
    const { origin } = await startInMode(t, mode)
    const head = await send(`${origin}/`, { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [200, ''])
    for (const method of ['POST', 'DELETE', 'OPTIONS', 'PUT']) {
      const { status, headers } = await send(`${origin}/`, { method })
      assert.deepEqual([status, headers['allow']], [405, 'GET, HEAD'], method)
    }
  }
})

test('web pages of any origin can read that a document is not there', async (t) => {
  for (const mode of MODES) {
    const { origin } = await startInMode(t, mode)
    const url = `${origin}/.well-known/nothing`
    const headers: readonly HeaderLine[] = [['Origin', 'https://anything.example']]
    const answer = await send(url, { headers })
    assert.deepEqual(
      [answer.status, answer.headers['access-control-allow-origin'], answer.json()['error']],
      [404, '*', 'not_found'],
    )
    const preflight = await send(url, {
      method: 'OPTIONS',
      headers: [
        ...headers,
        ['Access-Control-Request-Method', 'GET'],
        ['Access-Control-Request-Headers', 'mcp-protocol-version'],
      ],
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers['access-control-allow-headers'], 'mcp-protocol-version')
  }
})
