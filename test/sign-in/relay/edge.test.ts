import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { limitsWith } from '../../support/defaults.ts'
import { startEntra } from '../../support/gateway.ts'
import { type Answer, type Sent, send, sendBytes } from '../../support/raw-http.ts'
import { codeFor, codeForm, form, refreshForm, startRelay } from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

async function start(t: TestContext, options: Parameters<typeof startRelay>[1] = {}) {
  const entra = await startEntra(t)
  const tap = await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, { ...options, entra })
  return { entra, tap, gateway, url: `${gateway.origin}/oauth/token` }
}

const type = ['Content-Type', 'application/x-www-form-urlencoded'] as const

/** A form, with these header lines beside its type. */
function posted(body: string, ...headers: readonly (readonly [string, string])[]): Sent {
  return { method: 'POST', headers: [type, ...headers], body }
}

const dead = form(refreshForm('x')).toString()

function assertRefused(answer: Answer, status: number, error: string, words = /./): void {
  assert.equal(answer.status, status, answer.text)
  const body = answer.json()
  assert.equal(body['error'], error, answer.text)
  assert.match(String(body['error_description']), words)
  assert.ok(body['request_id'])
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
}

test('parameters in the URL are refused, whatever they are, and are not logged', async (t) => {
  const { gateway, entra, tap, url } = await start(t)
  const code = await codeFor(entra, 'alice')
  const query = form(codeForm(code)).toString()
  for (const [at, body] of [
    [`${url}?${query}`, ''],
    [`${url}?${query}`, query],
    [`${url}?client_secret=x`, query],
    [`${url}?x`, dead],
    [`${url}?access_token=x`, dead],
  ] as const) {
    assertRefused(await send(at, posted(body)), 400, 'invalid_request', /never in the URL/)
  }
  assert.equal(tap.received.length, 0)
  assert.ok(!JSON.stringify(gateway.log).includes(code))
})

test('a Host that is not ours is 421, and an internal host is ours', async (t) => {
  const { tap, url } = await start(t, {
    config: { internal_hosts: ['rolecall.holmes.svc:8080'] },
  })
  for (const host of ['evil.example', '127.0.0.1', 'localhost', '', 'rolecall.holmes.svc']) {
    const answer = await send(url, posted(dead, ['Host', host]))
    assertRefused(answer, 421, 'misdirected_request', /internal_hosts/)
  }
  const internal = await send(url, posted(dead, ['Host', 'ROLECALL.holmes.svc:8080']))
  assertRefused(internal, 400, 'invalid_grant')
  assert.equal(tap.received.length, 0)
})

const platforms = ['', 'eu.', 'ap.'].map((region) => `https://platform.${region}robusta.dev`)

test('the three platforms may ask from a browser, with a preflight and without credentials', async (t) => {
  const { url } = await start(t)
  for (const origin of platforms) {
    const preflight = await send(url, {
      method: 'OPTIONS',
      headers: [
        ['Origin', origin],
        ['Access-Control-Request-Method', 'POST'],
        ['Access-Control-Request-Headers', 'content-type'],
      ],
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers['access-control-allow-origin'], origin)
    assert.match(preflight.headers['access-control-allow-methods'] ?? '', /POST/)
    assert.equal(preflight.headers['access-control-allow-headers'], 'content-type')
    const answer = await send(url, posted(dead, ['Origin', origin]))
    assertRefused(answer, 400, 'invalid_grant')
    assert.equal(answer.headers['access-control-allow-origin'], origin)
    for (const { headers } of [preflight, answer]) {
      assert.equal(headers['access-control-allow-credentials'], undefined)
      assert.match(headers.vary ?? '', /Origin/)
    }
  }
})

const strangers = [
  'https://evil.example',
  'http://platform.robusta.dev',
  'https://platform.robusta.dev:8443',
  'https://platform.robusta.dev.evil.example',
  'https://platform.us.robusta.dev',
  'https://PLATFORM.robusta.dev',
  'https://platform.robusta.dev/',
  'https://platform.robusta.dev, https://evil.example',
  'https://claude.ai',
  'https://localhost.evil.example',
  'file://',
  'null',
  '*',
  '',
]
test('another Origin is 403, with and without a preflight, and allows nothing', async (t) => {
  const { tap, url } = await start(t)
  for (const origin of strangers) {
    const asked = { method: 'OPTIONS', headers: [['Origin', origin] as const] }
    for (const answer of [
      await send(url, posted(dead, ['Origin', origin])),
      await send(url, { ...asked }),
    ]) {
      assertRefused(answer, 403, 'origin_not_allowed', /allowed_origins/)
      assert.equal(answer.headers['access-control-allow-origin'], undefined, origin)
    }
  }
  assert.equal(tap.received.length, 0)
})

test('off loopback, a page on this machine may not ask; a configured and a popup origin may', async (t) => {
  // Without keys: the mock's are taken on loopback only.
  const { url } = await start(t, {
    cold: true,
    config: { public_url: 'https://mcp.example.com', allowed_origins: ['https://a.example'] },
    signIn: { popup_origins: ['https://b.example'] },
  })
  const host = ['Host', 'mcp.example.com'] as const
  for (const origin of ['http://localhost:6274', 'http://127.0.0.1:6274']) {
    assert.equal((await send(url, posted(dead, host, ['Origin', origin]))).status, 403, origin)
  }
  for (const origin of ['https://a.example', 'https://b.example', 'https://mcp.example.com']) {
    assert.equal((await send(url, posted(dead, host, ['Origin', origin]))).status, 400, origin)
  }
})

test('another method is 405 and says what would do', async (t) => {
  const { tap, url } = await start(t)
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'TRACE']) {
    const answer = await send(url, { ...posted(method === 'TRACE' ? '' : dead), method })
    assert.equal(answer.status, 405, method)
    assert.equal(answer.headers.allow, 'POST, OPTIONS')
    if (method !== 'HEAD') assert.equal(answer.json()['error'], 'method_not_allowed')
  }
  assert.equal(tap.received.length, 0)
})

const elsewhere = [
  '/oauth/token/',
  '/oauth//token',
  '//oauth/token',
  '/oauth/%74oken',
  '/oauth%2ftoken',
  '/OAuth/token',
  '/oauth/token/x',
  '/oauth/token;x',
  '/oauth/./token',
  '/oauth/prod/token',
  '/oauth/register',
  '/oauth/authorize',
  '/oauth/revoke',
  '/oauth/callback',
  '/oauth/popup',
  '/oauth/popup.js',
  '/oauth/introspect',
  '/token',
  '/register',
]
test('another path, and what relay does not have, is 404 in JSON', async (t) => {
  const { tap, gateway } = await start(t)
  const { host } = new URL(gateway.origin)
  for (const path of elsewhere) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const text = await sendBytes(
        gateway.origin,
        `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      )
      assert.match(text, /^HTTP\/1\.1 404 /, `${method} ${path}: ${text.slice(0, 60)}`)
      assert.match(text, /content-type: application\/json/i)
      assert.match(text, /"error":"not_found"/)
    }
  }
  assert.equal(tap.received.length, 0)
})

const bodies: Readonly<Record<string, Sent>> = {
  JSON: {
    headers: [['Content-Type', 'application/json']],
    body: '{"grant_type":"refresh_token","refresh_token":"x"}',
  },
  multipart: {
    headers: [['Content-Type', 'multipart/form-data; boundary=b']],
    body: '--b\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nrefresh_token\r\n--b--',
  },
  'plain text': { headers: [['Content-Type', 'text/plain']], body: dead },
  'no type': { headers: [], body: dead },
  'no body': { headers: [type] },
  'no body and no type': { headers: [] },
  'an empty body': { headers: [type], body: '' },
  'packed bytes': {
    headers: [type, ['Content-Encoding', 'gzip']],
    body: Buffer.from([0x1f, 0x8b, 0, 0]),
  },
  'a form in UTF-16': {
    headers: [['Content-Type', 'application/x-www-form-urlencoded; charset=utf-16']],
    body: Buffer.from(dead, 'utf16le'),
  },
  'zero bytes': { headers: [type], body: Buffer.alloc(1000) },
  'random bytes': { headers: [type], body: Buffer.from([0xff, 0xfe, 0x26, 0x3d, 0x80]) },
  'ten thousand parameters': {
    headers: [type],
    body: Array.from({ length: 10_000 }, (_, i) => `p${i}`).join('&'),
  },
}
test('what is not a form is 400 or 415 with the reason', async (t) => {
  const { tap, url } = await start(t)
  for (const [what, sent] of Object.entries(bodies)) {
    const answer = await send(url, { method: 'POST', ...sent })
    assert.equal(answer.status, 400, `${what}: ${answer.text}`)
    assert.equal(answer.json()['error'], 'invalid_request', what)
  }
  for (const bad of ['x', 'application/', '/', ';', 'a/b/c d']) {
    const answer = await send(url, { method: 'POST', headers: [['Content-Type', bad]], body: dead })
    assert.ok([400, 415].includes(answer.status), `${bad}: ${answer.text}`)
  }
  assert.equal(tap.received.length, 0)
})

test('a form is taken with a charset, in any case of its type', async (t) => {
  const { url } = await start(t)
  for (const value of [
    'application/x-www-form-urlencoded;charset=UTF-8',
    'Application/X-WWW-Form-Urlencoded',
    'application/x-www-form-urlencoded; charset="utf-8"',
  ]) {
    const answer = await send(url, {
      method: 'POST',
      headers: [['Content-Type', value]],
      body: dead,
    })
    assertRefused(answer, 400, 'invalid_grant')
  }
})

test('a body of more than 64 KiB is 413, announced or in pieces', async (t) => {
  const { tap, url } = await start(t)
  const long = (bytes: number) => dead + '&x='.padEnd(bytes - dead.length, 'x')
  assertRefused(await send(url, posted(long(65_536))), 400, 'invalid_grant')
  assertRefused(await send(url, posted(long(65_537))), 413, 'body_too_large')
  const chunked = posted(long(80_000), ['Transfer-Encoding', 'chunked'])
  assertRefused(await send(url, chunked), 413, 'body_too_large')
  assert.equal(tap.received.length, 0)
})

test('broken HTTP is 400 and ends the connection', async (t) => {
  const { gateway, tap } = await start(t)
  const { host } = new URL(gateway.origin)
  const line = `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type[1]}\r\n`
  for (const rest of [
    'Transfer-Encoding: chunked\r\n\r\nzz\r\nx',
    'Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n',
    'Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx',
    'Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
    'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
    'Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
    'Content-Length: -1\r\n\r\n',
    'Content-Length: abc\r\n\r\n',
    'Content-Length : 5\r\n\r\nabcde',
  ]) {
    const text = await sendBytes(gateway.origin, line + rest)
    assert.match(text, /^HTTP\/1\.1 4\d\d /, `${rest}: ${text}`)
  }
  const twoHosts = `${line}Host: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
  assert.match(await sendBytes(gateway.origin, twoHosts), /^HTTP\/1\.1 400 /)
  assert.equal(tap.received.length, 0)
})

test('a body that stops coming is 408, in time', async (t) => {
  const { gateway } = await start(t, {
    config: {
      limits: limitsWith({ header_timeout: 100, body_timeout: 100 }),
    },
  })
  const { host, port } = new URL(gateway.origin)
  const socket = connect({ host: 'localhost', port: Number(port) })
  socket.write(
    `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type[1]}\r\nContent-Length: 100\r\n\r\ngrant_type=`,
  )
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 408 /)
})

test('headers that say nothing, or everything twice, change nothing', async (t) => {
  const { gateway, entra, tap, url } = await start(t)
  const { host } = new URL(gateway.origin)
  const bare = form(codeForm(await codeFor(entra, 'alice'))).toString()
  const text = await sendBytes(
    gateway.origin,
    `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type[1]}\r\nContent-Length: ${bare.length}\r\nConnection: close\r\n\r\n${bare}`,
  )
  assert.match(text, /^HTTP\/1\.1 200 /)
  const more = form(codeForm(await codeFor(entra, 'alice'))).toString()
  const answer = await send(
    url,
    posted(more, ['Accept', '*/*'], ['Accept', 'text/html'], ['Cookie', 'a=b'], ['Cookie', 'c']),
  )
  assert.equal(answer.status, 200, answer.text)
  assert.equal(tap.received.length, 2)
})

test('more than one Authorization is 400, and spends nothing', async (t) => {
  const { entra, tap, url } = await start(t)
  const body = form(codeForm(await codeFor(entra, 'alice'))).toString()
  const line = ['Authorization', 'Basic eDp5'] as const
  assertRefused(await send(url, posted(body, line, line)), 400, 'invalid_request', /more than one/)
  const lower = ['authorization', 'Bearer x'] as const
  assertRefused(await send(url, posted(body, line, lower)), 400, 'invalid_request', /more than one/)
  assert.equal(tap.received.length, 0)
  assert.equal((await send(url, posted(body))).status, 200)
})

test('no answer may be stored, framed in a cache, or read as another type', async (t) => {
  const { entra, url } = await start(t)
  const body = form(codeForm(await codeFor(entra, 'alice'))).toString()
  for (const answer of [await send(url, posted(body)), await send(url, posted(dead))]) {
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
    assert.equal(answer.headers['set-cookie'], undefined)
  }
})
