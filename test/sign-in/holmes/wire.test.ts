import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { startEntra } from '../../support/gateway.ts'
import { sendBytes, toolCall } from '../../support/raw-http.ts'
import { headerValues, startUpstream } from '../../support/recording-upstream.ts'
import { codeFor, signedIn, startRelay, verifier } from '../../support/relay-gateway.ts'
import { followScript, listing, success, tool } from '../../support/scripted-mcp.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

/** HolmesGPT 0.45.0 byte for byte, as it was recorded (reference/client-holmes-run.md §c). */

async function start(t: TestContext) {
  const upstream = await startUpstream(t)
  followScript(upstream, {
    list: listing(tool('pods_list')),
    call: () => success,
    sessionId: 'upstream-session',
  })
  const entra = await startEntra(t)
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, { upstream: upstream.url, entra })
  return { upstream, entra, tap, gateway, host: new URL(gateway.origin).host }
}

interface Reply {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** One request on a connection of its own; the answer's body, its chunks joined. */
async function exchange(origin: string, lines: readonly string[], body = ''): Promise<Reply> {
  const bytes = `${lines.join('\r\n')}\r\n\r\n${body}`
  const text = await sendBytes(origin, bytes.replace('Connection: keep-alive', 'Connection: close'))
  const end = text.indexOf('\r\n\r\n')
  const head = text.slice(0, end)
  const rest = text.slice(end + 4)
  const chunked = /^transfer-encoding: chunked/im.test(head)
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]),
    head,
    body: chunked ? rest.replace(/^[0-9a-f]+\r\n|\r\n[0-9a-f]+\r\n/gi, '') : rest,
  }
}

const common = [
  'Accept: */*',
  'Accept-Encoding: gzip, deflate, zstd',
  'Connection: keep-alive',
  'User-Agent: python-httpx/0.28.1',
]

test('discovery: the probe pair, then two documents, each on a connection of its own', async (t) => {
  const { gateway, host } = await start(t)
  const get = (path: string) =>
    exchange(gateway.origin, [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...common])
  const probe = await get('/mcp/.well-known/oauth-protected-resource')
  assert.equal(probe.status, 404)
  assert.doesNotMatch(probe.head, /www-authenticate/i)
  const posted = await exchange(gateway.origin, [
    'POST /mcp HTTP/1.1',
    `Host: ${host}`,
    'Content-Length: 0',
    ...common,
  ])
  assert.equal(posted.status, 401)
  const hint = /resource_metadata="([^"]+)"/.exec(posted.head)?.[1] ?? ''
  const resource = await get(new URL(hint).pathname)
  assert.equal(resource.status, 200)
  const [server = ''] = JSON.parse(resource.body).authorization_servers
  const path = new URL(server).pathname.replace(/\/$/, '')
  const metadata = await get(`/.well-known/oauth-authorization-server${path}`)
  assert.equal(metadata.status, 200)
  assert.equal(JSON.parse(metadata.body).token_endpoint, `${gateway.origin}/oauth/token`)
})

test('discovery without a hint finds the same documents at the addresses that are left', async (t) => {
  const { gateway, host } = await start(t)
  const get = (path: string) =>
    exchange(gateway.origin, [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...common])
  const bodies = await Promise.all(
    ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource'].map(
      async (path) => (await get(path)).body,
    ),
  )
  assert.equal(new Set(bodies).size, 1)
})

const redirect = 'redirect_uri=https%3A%2F%2Fplatform.robusta.dev%2Foauth%2Fcallback.html'

/** The token request's lines, in the client's own order. */
function tokenLines(host: string, body: string, ...more: readonly string[]): readonly string[] {
  return [
    'POST /oauth/token HTTP/1.1',
    `Host: ${host}`,
    ...common,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Content-Type: application/x-www-form-urlencoded',
    ...more,
  ]
}

test('code exchange of a public client', async (t) => {
  const { gateway, entra, host } = await start(t)
  const code = await codeFor(entra, 'alice')
  const form = `grant_type=authorization_code&code=${code}&${redirect}&client_id=${holmes.client_id}&code_verifier=${verifier}`
  const { status, body } = await exchange(gateway.origin, tokenLines(host, form), form)
  assert.equal(status, 200, body)
  assert.ok(Number.isInteger(JSON.parse(body).expires_in))
})

test('code exchange with `resource` left on, in the spelling of HolmesGPT', async (t) => {
  const { gateway, entra, host } = await start(t)
  const code = await codeFor(entra, 'alice')
  const resource = encodeURIComponent(`http://${host}/mcp`)
  const form = `grant_type=authorization_code&code=${code}&${redirect}&client_id=${holmes.client_id}&code_verifier=${verifier}&resource=${resource}`
  const { status, body } = await exchange(gateway.origin, tokenLines(host, form), form)
  assert.equal(status, 200, body)
})

test('code exchange of a confidential client: Basic first, then the same code with the secret in the form', async (t) => {
  const { gateway, entra, host } = await start(t)
  const code = await codeFor(entra, 'alice')
  const form = `grant_type=authorization_code&code=${code}&${redirect}&client_id=${holmes.client_id}&code_verifier=${verifier}`
  const basic = (secret: string) =>
    `Authorization: Basic ${Buffer.from(`${holmes.client_id}:${secret}`).toString('base64')}`
  const first = await exchange(gateway.origin, tokenLines(host, form, basic('wrong')), form)
  assert.equal(first.status, 401)
  assert.equal(JSON.parse(first.body).error, 'invalid_client')
  const second = `${form}&client_secret=${encodeURIComponent(holmes.client_secret ?? '')}`
  const { status } = await exchange(gateway.origin, tokenLines(host, second), second)
  assert.equal(status, 200)
  const next = `${form.replace(code, await codeFor(entra, 'alice'))}`
  const right = tokenLines(host, next, basic(holmes.client_secret ?? ''))
  assert.equal((await exchange(gateway.origin, right, next)).status, 200)
})

test('refresh: no secret, no scope; an empty client id as registered clients send it', async (t) => {
  const { gateway, host } = await start(t)
  const { refresh } = await signedIn(gateway, 'alice')
  const resource = encodeURIComponent(`http://${host}/mcp`)
  let token = refresh
  for (const rest of [
    `client_id=${holmes.client_id}`,
    `client_id=${holmes.client_id}&resource=${resource}`,
    `client_id=&resource=${resource}`,
    'client_id=&resource=',
  ]) {
    const form = `grant_type=refresh_token&refresh_token=${token}&${rest}`
    const { status, body } = await exchange(gateway.origin, tokenLines(host, form), form)
    assert.equal(status, 200, body)
    token = JSON.parse(body).refresh_token
  }
})

const initialize =
  '{"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"mcp","version":"0.1.0"}},"jsonrpc":"2.0","id":0}'
const initialized = '{"method":"notifications/initialized","jsonrpc":"2.0"}'
const pods =
  '{"method":"tools/call","params":{"name":"pods_list","arguments":{"namespace":"default"}},"jsonrpc":"2.0","id":1}'
const list = '{"method":"tools/list","jsonrpc":"2.0","id":2}'

test('one tool call: six requests, whose doubled and needless header lines harm nothing', async (t) => {
  const { gateway, host, upstream } = await start(t)
  const { access } = await signedIn(gateway, 'alice')
  const lines = (method: string, ...more: readonly string[]) => [
    `${method} /mcp HTTP/1.1`,
    `Host: ${host}`,
    'Accept-Encoding: gzip, deflate, zstd',
    'Connection: keep-alive',
    'User-Agent: python-httpx/0.28.1',
    `Authorization: Bearer ${access}`,
    'accept: application/json, text/event-stream',
    'content-type: application/json',
    ...more,
  ]
  const length = (body: string) => `Content-Length: ${Buffer.byteLength(body)}`
  assert.equal(Buffer.byteLength(initialize), 152, 'as it was recorded')
  const first = await exchange(gateway.origin, lines('POST', length(initialize)), initialize)
  assert.equal(first.status, 200, first.body)
  const session = /^mcp-session-id: (.+)$/im.exec(first.head)?.[1]?.trim() ?? ''
  const bound = [`mcp-session-id: ${session}`, 'mcp-protocol-version: 2025-11-25']
  const notified = lines('POST', ...bound, length(initialized))
  assert.equal((await exchange(gateway.origin, notified, initialized)).status, 202)
  const get = lines('GET', ...bound, 'Accept: text/event-stream', 'Cache-Control: no-store')
  assert.equal((await exchange(gateway.origin, get)).status, 405)
  for (const body of [pods, list]) {
    const posted = lines('POST', ...bound, length(body))
    const reply = await exchange(gateway.origin, posted, body)
    assert.equal(reply.status, 200, reply.body)
    assert.ok(JSON.parse(reply.body).result)
  }
  assert.equal((await exchange(gateway.origin, lines('DELETE', ...bound))).status, 204)
  const methods = upstream.received.map(({ method }) => method)
  assert.deepEqual(methods, ['POST', 'POST', 'GET', 'POST', 'POST', 'DELETE'])
  for (const { rawHeaders, body, method } of upstream.received) {
    assert.deepEqual(headerValues(rawHeaders, 'authorization'), [`Bearer ${access}`])
    assert.equal(headerValues(rawHeaders, 'content-type').length, method === 'POST' ? 1 : 0)
    if (method === 'GET') {
      const accepted = headerValues(rawHeaders, 'accept').join(', ')
      assert.match(accepted, /application\/json, text\/event-stream, text\/event-stream/)
    }
    assert.equal(headerValues(rawHeaders, 'user-agent').join().startsWith('rolecall/'), true)
    assert.ok(method === 'POST' || body.length === 0)
  }
  assert.equal(upstream.received[3]?.body.toString(), pods)
})

test('two Authorization lines, as a lower-case extra header makes them, are refused', async (t) => {
  const { gateway, host, upstream } = await start(t)
  const { access } = await signedIn(gateway, 'alice')
  const body = toolCall('pods_list')
  const reply = await exchange(
    gateway.origin,
    [
      'POST /mcp HTTP/1.1',
      `Host: ${host}`,
      'authorization: Bearer static',
      `Authorization: Bearer ${access}`,
      'content-type: application/json',
      'Connection: keep-alive',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ],
    body,
  )
  assert.equal(reply.status, 400)
  assert.equal(upstream.received.length, 0)
})

test('requests without Accept and User-Agent, as the Python SDK sends them, are taken', async (t) => {
  const { gateway, entra, host } = await start(t)
  const metadata = await exchange(gateway.origin, [
    'GET /.well-known/oauth-authorization-server HTTP/1.1',
    `Host: ${host}`,
    'mcp-protocol-version: 2025-11-25',
    'Connection: keep-alive',
  ])
  assert.equal(metadata.status, 200)
  const code = await codeFor(entra, 'alice')
  const form = `grant_type=authorization_code&code=${code}&${redirect}&client_id=${holmes.client_id}&code_verifier=${verifier}`
  const reply = await exchange(
    gateway.origin,
    [
      'POST /oauth/token HTTP/1.1',
      `Host: ${host}`,
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${form.length}`,
      'Connection: keep-alive',
    ],
    form,
  )
  assert.equal(reply.status, 200)
})
