import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fetch } from 'undici'
import type { Config } from '../../../src/config/config.ts'
import { limitsWith } from '../../support/defaults.ts'
import { AKS, resourceConfig, startGateway } from '../../support/gateway.ts'
import { post, send, sendBytes, toolCall } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

async function start(t: TestContext, config: Partial<Config> = {}) {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url, config })
  return { upstream, gateway, token: await gateway.entra.mint() }
}

test('the metadata of a resource is at its path, the first one also without it', async (t) => {
  const upstream = await startUpstream(t)
  const { origin, entra } = await startGateway(t, {
    upstream: upstream.url,
    resources: [
      resourceConfig(upstream.url, { name: 'a', path: '/mcp' }),
      resourceConfig(upstream.url, { name: 'b', path: '/team/b', request_scopes: [] }),
    ],
  })
  const wellKnown = `${origin}/.well-known/oauth-protected-resource`
  const first = {
    resource: `${origin}/mcp`,
    authorization_servers: [`${entra.origin}/${entra.tenantId}/v2.0`],
    scopes_supported: [`${AKS}/.default`, 'openid', 'profile'],
    bearer_methods_supported: ['header'],
    resource_name: 'rolecall: a',
  }
  for (const url of [wellKnown, `${wellKnown}/mcp`]) {
    const answer = await send(url, { headers: [['Host', 'anything.example']] })
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.json(), first)
    assert.equal(answer.headers['access-control-allow-origin'], '*')
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
  }
  const second = (await send(`${wellKnown}/team/b`)).json()
  assert.equal(second['resource'], `${origin}/team/b`)
  assert.equal('scopes_supported' in second, false)
})

const nowhere = [
  '/.well-known/oauth-authorization-server',
  '/.well-known/oauth-authorization-server/mcp',
  '/.well-known/openid-configuration',
  '/mcp/.well-known/openid-configuration',
  '/mcp/.well-known/oauth-protected-resource',
  '/.well-known/oauth-protected-resource/other',
  '/oauth/authorize',
  '/oauth/token',
  '/oauth/register',
  '/oauth/whoami',
  '/mcp/sse',
  '/mcp/stats',
  '/mcp/message',
  '/mcp//',
  '/mcp/.',
  '/mcp/..',
  '/mcp/../mcp',
  '//mcp',
  '/MCP',
  '/mcp%2f',
  '/%6dcp',
  '/mcp;x',
  '/mcp/%2e%2e/mcp',
  '/mcpx',
  '/healthz',
  '/metrics',
  '/favicon.ico',
  '/mcp/%',
  '/%ff',
  '/\\mcp',
]
test('what is not there is 404 or 400 in JSON, never a 401, and never reaches the upstream', async (t) => {
  const { upstream, gateway, token } = await start(t)
  for (const path of nowhere) {
    for (const headers of ['', `Authorization: Bearer ${token}\r\n`]) {
      const { host } = new URL(gateway.origin)
      const request = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}Content-Length: 0\r\nConnection: close\r\n\r\n`
      const text = await sendBytes(gateway.origin, request)
      assert.match(text, /^HTTP\/1\.1 (404|400) /, `${path}: ${text.slice(0, 80)}`)
      const body = JSON.parse(
        text.slice(text.indexOf('\r\n\r\n') + 4).replace(/^[0-9a-f]+\r\n|\r\n0\r\n\r\n$/g, ''),
      )
      assert.ok(body.error && body.error_description && body.request_id, path)
    }
  }
  assert.equal(upstream.received.length, 0)
  const sse = await send(`${gateway.url}/sse`)
  assert.match(sse.text, /streamable-http/)
  assert.ok(sse.text.includes(gateway.url))
})

test('a trailing slash is the same resource, and the upstream gets its own path without a query', async (t) => {
  const { upstream, gateway, token } = await start(t)
  assert.equal((await send(`${gateway.url}/?a=1&b=%00`, post(token))).status, 200)
  assert.equal(upstream.received[0]?.url, '/mcp')
})

for (const query of ['access_token=x', 'a=1&access_token=x', 'access%5Ftoken=x', 'access_token']) {
  test(`a token in the query (${query}) is 400, even beside a good one`, async (t) => {
    const { upstream, gateway, token } = await start(t)
    const answer = await send(`${gateway.url}?${query}`, post(token))
    assert.equal(answer.status, 400)
    assert.equal(upstream.received.length, 0)
  })
}

test('another Host is 421 on a resource and names the setting', async (t) => {
  const { upstream, gateway, token } = await start(t, {
    internal_hosts: ['rolecall.holmes.svc:8080'],
  })
  for (const host of ['evil.example', 'localhost', '127.0.0.1', '', 'localhost:1', 'a, b']) {
    const request = post(token)
    const answer = await send(gateway.url, {
      ...request,
      headers: [...(request.headers ?? []), ['Host', host]],
    })
    assert.equal(answer.status, 421, host)
    assert.match(answer.text, /internal_hosts/)
  }
  const inside = post(token)
  const headers = [...(inside.headers ?? []), ['Host', 'rolecall.holmes.svc:8080'] as const]
  assert.equal((await send(gateway.url, { ...inside, headers })).status, 200)
  assert.equal(upstream.received.length, 1)
})

test('two Host headers are 400', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const { host } = new URL(gateway.url)
  const text = await sendBytes(
    gateway.url,
    `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  )
  assert.match(text, /^HTTP\/1\.1 400 /)
  assert.equal(upstream.received.length, 0)
})

test('an Origin that is not allowed is 403 whatever the method; none is no browser', async (t) => {
  const { upstream, gateway, token } = await start(t, { allowed_origins: ['https://ui.example'] })
  const as = (origin: string, method = 'POST') => {
    const request = post(token)
    const headers = [...(request.headers ?? []), ['Origin', origin] as const]
    return send(gateway.url, {
      method,
      headers,
      ...(method === 'POST' ? { body: toolCall('a') } : {}),
    })
  }
  for (const origin of [
    'https://evil.example',
    'null',
    'https://ui.example.evil',
    'http://ui.example',
    'http://localhost.evil',
    '',
  ]) {
    for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS']) {
      assert.equal((await as(origin, method)).status, 403, `${method} ${origin}`)
    }
  }
  assert.equal(upstream.received.length, 0)
  for (const origin of [
    'https://ui.example',
    gateway.origin,
    'http://localhost:6274',
    'http://127.0.0.1:1',
  ]) {
    const answer = await as(origin)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['access-control-allow-origin'], origin)
    assert.equal(answer.headers['access-control-allow-credentials'], undefined)
    assert.match(answer.headers['access-control-expose-headers'] ?? '', /WWW-Authenticate/)
  }
})

test('origins of any scheme are allowed as they are written, and no others like them', async (t) => {
  const allowed = [
    'chrome-extension://abcdefghijklmnop',
    'tauri://localhost',
    'vscode-webview://a1',
  ]
  const { gateway, token } = await start(t, { allowed_origins: allowed })
  const as = (origin: string) => {
    const request = post(token)
    return send(gateway.url, {
      ...request,
      headers: [...(request.headers ?? []), ['Origin', origin]],
    })
  }
  for (const origin of allowed) {
    const answer = await as(origin)
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [200, origin])
    for (const other of [`${origin}x`, `${origin}/`, origin.replace('://', '://a.'), 'null']) {
      assert.equal((await as(other)).status, 403, other)
    }
  }
})

test('a 401 can be read by an allowed browser origin', async (t) => {
  const { gateway } = await start(t)
  const answer = await send(gateway.url, {
    method: 'POST',
    headers: [['Origin', 'http://localhost:6274']],
  })
  assert.equal(answer.status, 401)
  assert.equal(answer.headers['access-control-allow-origin'], 'http://localhost:6274')
})

test('off loopback a loopback origin is not allowed', async (t) => {
  const upstream = await startUpstream(t)
  const config = { public_url: 'https://mcp.example.com' }
  const gateway = await startGateway(t, { upstream: upstream.url, config, cold: true })
  const url = `http://localhost:${gateway.service.address.port}/mcp`
  const headers = (origin: string) =>
    [
      ['Host', 'mcp.example.com'],
      ['Origin', origin],
    ] as const
  const refused = await send(url, { method: 'POST', headers: headers('http://localhost:6274') })
  assert.equal(refused.status, 403)
  const taken = await send(url, { method: 'POST', headers: headers('https://mcp.example.com') })
  assert.equal(taken.status, 401)
})

test('a preflight is answered without a token, with the headers that were asked for', async (t) => {
  const { upstream, gateway } = await start(t)
  const answer = await send(gateway.url, {
    method: 'OPTIONS',
    headers: [
      ['Origin', 'http://localhost:6274'],
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Headers', 'authorization, mcp-param-namespace'],
    ],
  })
  assert.equal(answer.status, 204)
  assert.equal(answer.headers['access-control-allow-headers'], 'authorization, mcp-param-namespace')
  assert.equal(answer.headers['access-control-allow-methods'], 'POST, GET, DELETE, OPTIONS')
  assert.equal(upstream.received.length, 0)
})

for (const method of ['PUT', 'PATCH', 'HEAD', 'TRACE', 'PROPFIND']) {
  test(`${method} on a resource is 405 with Allow`, async (t) => {
    const { upstream, gateway, token } = await start(t)
    const answer = await send(gateway.url, {
      method,
      headers: [['Authorization', `Bearer ${token}`]],
    })
    assert.equal(answer.status, 405)
    assert.equal(answer.headers.allow, 'POST, GET, DELETE, OPTIONS')
    assert.equal(upstream.received.length, 0)
  })
}

test('a body over limits.body_bytes is 413, with its length told or not', async (t) => {
  const { upstream, gateway, token } = await start(t, {
    limits: limitsWith({ body_bytes: 1000 }),
  })
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'x'.repeat(2000) })
  const told = await send(gateway.url, post(token, body))
  assert.equal(told.status, 413)
  const request = post(token, body)
  const headers = [...(request.headers ?? []), ['Transfer-Encoding', 'chunked'] as const]
  assert.equal((await send(gateway.url, { ...request, headers })).status, 413)
  assert.equal(upstream.received.length, 0)
})

test('headers over limits.header_bytes are 431, a long token within them passes', async (t) => {
  const { gateway, entra } = { ...(await start(t)), entra: undefined }
  assert.equal(entra, undefined)
  const long = await gateway.entra.mint({ groups: 200 })
  assert.ok(long.length > 9000, `${long.length} characters`)
  assert.equal((await send(gateway.url, post(long))).status, 200)
  const answer = await send(gateway.url, { headers: [['X-Long', 'x'.repeat(40_000)]] })
  assert.equal(answer.status, 431)
  assert.equal(answer.json()['error'], 'headers_too_large')
  const many = Array.from({ length: 300 }, (_value, i) => [`x-${i}`, '1'] as const)
  assert.equal((await send(gateway.url, { headers: many })).status, 431)
})

const slow = [
  { name: 'headers', text: (host: string) => `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nX` },
  {
    name: 'a body',
    text: (host: string, token: string) =>
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 100\r\n\r\n{`,
  },
]
for (const { name, text } of slow) {
  test(`${name} that never ends is 408`, async (t) => {
    const { upstream, gateway, token } = await start(t, {
      limits: limitsWith({ body_bytes: 1000, header_timeout: 500, body_timeout: 500 }),
    })
    const answer = await sendBytes(gateway.url, text(new URL(gateway.url).host, token), 10_000)
    assert.match(answer, /^HTTP\/1\.1 408 /)
    assert.match(answer, /"error":"request_timeout"/)
    assert.equal(upstream.received.length, 0)
  })
}

const malformed: readonly (readonly [string, (host: string, token: string) => string])[] = [
  ['no HTTP', () => 'hello\r\n\r\n'],
  [
    'a bare line feed in the headers',
    (host, token) => `POST /mcp HTTP/1.1\nHost: ${host}\nAuthorization: Bearer ${token}\n\n`,
  ],
  [
    'length and chunks',
    (host, token) =>
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'two lengths',
    (host, token) =>
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`,
  ],
  [
    'a space before the colon',
    (host, token) =>
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization : Bearer ${token}\r\nContent-Length: 0\r\n\r\n`,
  ],
  [
    'an unknown transfer encoding',
    (host, token) =>
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'a broken chunk',
    (host, token) =>
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
  ],
  [
    'no Host',
    (_host, token) =>
      `POST /mcp HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`,
  ],
  [
    'a NUL in a header',
    (host, token) =>
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nX: \0\r\nContent-Length: 0\r\n\r\n`,
  ],
]
test('malformed HTTP is 400, answered once, and reaches no upstream', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const { host } = new URL(gateway.url)
  for (const [name, text] of malformed) {
    const answer = await sendBytes(gateway.url, text(host, token), 1500)
    assert.match(answer, /^HTTP\/1\.1 400 /, `${name}: ${answer.slice(0, 200)}`)
    assert.equal(answer.match(/HTTP\/1\.1 \d/g)?.length, 1, name)
  }
  assert.equal(upstream.received.length, 0)
})

test('a malformed or compressed body is refused, since the upstream may read more into it than we', async (t) => {
  const { upstream, gateway, token } = await start(t)
  for (const body of ['{"method":', 'method=tools/call', '"tools/call"', '\u0000']) {
    const answer = await send(gateway.url, post(token, body))
    assert.equal(answer.status, 400, body)
  }
  const request = post(token)
  for (const encoding of ['gzip', 'br', 'identity, gzip']) {
    const headers = [...(request.headers ?? []), ['Content-Encoding', encoding] as const]
    assert.equal((await send(gateway.url, { ...request, headers })).status, 415)
  }
  const typed = {
    ...request,
    headers: (request.headers ?? []).filter(([name]) => name !== 'Content-Type'),
  }
  assert.equal((await send(gateway.url, typed)).status, 200)
  assert.equal(upstream.received.length, 1)
})

test('the page for people opens without sign-in and runs no script', async (t) => {
  const { gateway } = await start(t)
  const answer = await fetch(gateway.origin)
  const text = await answer.text()
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  assert.ok(text.includes(gateway.url) && text.includes(AKS))
  assert.doesNotMatch(text, /<script/)
})

test('X-Request-Id is taken from a trusted proxy only, and only when well-formed', async (t) => {
  const untrusting = await start(t)
  const request = post(untrusting.token)
  const withId = (id: string) => ({
    ...request,
    headers: [...(request.headers ?? []), ['X-Request-Id', id] as const],
  })
  const own = await send(untrusting.gateway.url, withId('from-client-1'))
  assert.notEqual(own.headers['x-request-id'], 'from-client-1')

  const trusting = await start(t, { trusted_proxies: ['127.0.0.0/8'] })
  const token = await trusting.gateway.entra.mint()
  const headers = (id: string) => [
    ...(post(token).headers ?? []),
    ['X-Request-Id', id] as const,
    ['X-Forwarded-For', '203.0.113.9'] as const,
    ['X-Forwarded-Host', 'evil.example'] as const,
  ]
  const taken = await send(trusting.gateway.url, {
    ...post(token),
    headers: headers('from-proxy-1'),
  })
  assert.equal(taken.headers['x-request-id'], 'from-proxy-1')
  const line = await trusting.gateway.logged((one) => one['request_id'] === 'from-proxy-1')
  assert.equal(line['client_ip'], '203.0.113.9')
  const bad = await send(trusting.gateway.url, { ...post(token), headers: headers('short') })
  assert.notEqual(bad.headers['x-request-id'], 'short')
})
