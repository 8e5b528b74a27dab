import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { post, send, sendBytes, toolCall } from '../support/raw-http.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'

async function start(t: TestContext) {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  return { upstream, gateway, token: await gateway.entra.mint() }
}

test('a good token reaches the upstream as exactly one bearer, byte for byte', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const answer = await send(gateway.url, post(token))
  assert.equal(answer.status, 200)
  const [received] = upstream.received
  assert.deepEqual(headerValues(received?.rawHeaders ?? [], 'authorization'), [`Bearer ${token}`])
  assert.equal(received?.body.toString(), toolCall('pods_list'))
  assert.equal(received?.headers.host, new URL(upstream.url).host)
  const id = answer.headers['x-request-id']
  assert.equal(received?.headers['user-agent'], `rolecall/0.0.0-test (req=${id})`)
})

const malformed: readonly (readonly [cause: string, lines: [string, string][], body: string])[] = [
  ['repeated_header', [['Content-Type', 'text/plain']], toolCall('x')],
  ['charset', [['Content-Type', 'application/json; charset=utf-7']], toolCall('x')],
  ['batch', [['MCP-Protocol-Version', '2025-06-18']], `[${toolCall('x')}]`],
  ['body', [], '{"jsonrpc":'],
]
for (const [cause, lines, body] of malformed) {
  test(`a malformed request has its cause in its log line: ${cause}`, async (t) => {
    const { upstream, gateway, token } = await start(t)
    const request = post(token, body)
    const own = lines.map(([name]) => name)
    const kept = (request.headers ?? []).filter(
      ([name]) => cause === 'repeated_header' || !own.includes(name),
    )
    const answer = await send(gateway.url, { ...request, headers: [...kept, ...lines] })
    assert.equal(answer.status, 400)
    const line = await gateway.logged(({ kind }) => kind === 'request')
    assert.equal(line['reason'], `invalid_request:${cause}`)
    assert.equal(upstream.received.length, 0)
  })
}

test('the body goes up as it came, whatever its spacing and its member order', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const body = ' {"params" : {"name":"pods_list","é":"\\u00e9"},\n"method":"tools/call","id":1.0}  '
  await send(gateway.url, post(token, body))
  assert.equal(upstream.received[0]?.body.toString(), body)
})

const attacks: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ['Connection naming authorization', [['Connection', 'authorization']]],
  ['Connection naming it among others', [['Connection', 'close, Authorization , accept']]],
  ['Proxy-Connection naming it', [['Proxy-Connection', 'authorization']]],
  ['a kubernetes-authorization of its own', [['kubernetes-authorization', 'Bearer other']]],
  ['an impersonation', [['Impersonate-User', 'admin']]],
  ['underscores', [['Kubernetes_Authorization', 'Bearer other']]],
  ['a proxy authorization', [['Proxy-Authorization', 'Bearer other']]],
  ['a cookie', [['Cookie', 'session=1']]],
  ['forwarded identities', [['X-Forwarded-User', 'admin']]],
  ['Upgrade', [['Upgrade', 'websocket']]],
  ['Keep-Alive', [['Keep-Alive', 'timeout=5']]],
  ['TE', [['TE', 'trailers']]],
]
test('nothing that a client sends removes, doubles or replaces the bearer', async (t) => {
  const { upstream, gateway, token } = await start(t)
  for (const [name, lines] of attacks) {
    const request = post(token)
    const answer = await send(gateway.url, {
      ...request,
      headers: [...lines, ...(request.headers ?? [])],
    })
    assert.equal(answer.status, 200, name)
    const received = upstream.received.at(-1)
    const flat = received?.rawHeaders ?? []
    assert.deepEqual(headerValues(flat, 'authorization'), [`Bearer ${token}`], name)
    const names = flat.filter((_value, i) => i % 2 === 0).map((line) => line.toLowerCase())
    const expected = ['accept', 'authorization', 'connection', 'content-length', 'content-type']
    assert.deepEqual(names.sort(), [...expected, 'host', 'user-agent'], name)
  }
  assert.equal(upstream.received.length, attacks.length)
})

test("a client's lower-case scheme reaches the upstream as Bearer", async (t) => {
  const { upstream, gateway, token } = await start(t)
  for (const scheme of ['bearer', 'BEARER', 'bEaReR']) {
    const request = post(undefined)
    const headers = [...(request.headers ?? []), ['Authorization', `${scheme} ${token}`] as const]
    assert.equal((await send(gateway.url, { ...request, headers })).status, 200)
    const flat = upstream.received.at(-1)?.rawHeaders ?? []
    assert.deepEqual(headerValues(flat, 'authorization'), [`Bearer ${token}`])
  }
})

test('two Authorization headers are refused, and the upstream sees nothing', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const request = post(token)
  for (const second of [`Bearer ${token}`, 'Bearer other', 'Basic eA==', '']) {
    const headers = [...(request.headers ?? []), ['authorization', second] as const]
    const answer = await send(gateway.url, { ...request, headers })
    assert.equal(answer.status, 400)
    assert.equal(answer.json()['error'], 'invalid_request')
  }
  assert.equal(upstream.received.length, 0)
})

test('Expect: 100-continue is answered by us and costs nothing', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const request = post(token)
  const headers = [...(request.headers ?? []), ['Expect', '100-continue'] as const]
  assert.equal((await send(gateway.url, { ...request, headers })).status, 200)
  assert.equal(upstream.received.length, 1)
})

test("the upstream's status and body come back unchanged, its cookies and challenges do not", async (t) => {
  const { upstream, gateway, token } = await start(t)
  for (const status of [200, 202, 400, 403, 404, 405, 406, 415, 429, 500, 503]) {
    upstream.answerWith((_request, response) => {
      response.writeHead(status, {
        'content-type': 'text/plain; charset=x',
        'set-cookie': 'a=b',
        server: 'secret/1.0',
        'www-authenticate': 'Basic',
        'access-control-allow-origin': '*',
      })
      response.end(`said ${status}`)
    })
    const answer = await send(gateway.url, post(token))
    assert.equal(answer.status, status)
    assert.equal(answer.text, `said ${status}`)
    assert.equal(answer.headers['content-type'], 'text/plain; charset=x')
    for (const name of [
      'set-cookie',
      'server',
      'www-authenticate',
      'access-control-allow-origin',
    ]) {
      assert.equal(answer.headers[name], undefined, name)
    }
  }
})

const twoTypes: readonly (readonly [lines: string[], passed: string, outcome: string])[] = [
  [['application/json', 'application/json'], 'application/json', 'ok'],
  [['application/json;a=b', 'text/plain'], 'application/json;a=b, text/plain', 'none'],
]
for (const [lines, passed, outcome] of twoTypes) {
  test(`an answer with two content types (${passed}) passes all the same`, async (t) => {
    const { upstream, gateway, token } = await start(t)
    upstream.answerWith((_request, response) => {
      response.writeHead(200, { 'content-type': lines }).end('{"id":1,"result":{}}')
    })
    const answer = await send(gateway.url, post(token))
    assert.equal(answer.text, '{"id":1,"result":{}}')
    assert.equal(answer.headers['content-type'], passed)
    const line = await gateway.logged(({ kind }) => kind === 'request')
    assert.equal(line['outcome'], outcome)
  })
}

const inOurPlace = [
  { status: 401, headers: { 'www-authenticate': 'Bearer error="missing_token"' } },
  { status: 307, headers: { location: 'http://localhost:1/' } },
  { status: 302, headers: { location: '/elsewhere' } },
] as const
for (const { status, headers } of inOurPlace) {
  test(`an upstream's own ${status} is 502 upstream_refused`, async (t) => {
    const { upstream, gateway, token } = await start(t)
    upstream.answerWith((_request, response) => {
      response.writeHead(status, headers).end('do not show this')
    })
    const answer = await send(gateway.url, post(token))
    assert.equal(answer.status, 502)
    assert.equal(answer.json()['error'], 'upstream_refused')
    assert.doesNotMatch(answer.text, /do not show|localhost:1/)
    assert.equal(answer.headers['www-authenticate'], undefined)
    assert.equal(upstream.received.length, 1)
  })
}

test("an upstream's wish for other claims becomes our 401 with the same claims", async (t) => {
  const { upstream, gateway, token } = await start(t)
  upstream.answerWith((_request, response) => {
    const challenge = 'Bearer realm="", error="insufficient_claims", claims="eyJhIjp7fX0="'
    response.writeHead(401, { 'www-authenticate': challenge }).end()
  })
  const answer = await send(gateway.url, post(token))
  assert.equal(answer.status, 401)
  const challenge = answer.headers['www-authenticate'] ?? ''
  assert.match(challenge, /^Bearer resource_metadata="http/)
  assert.match(challenge, /error="insufficient_claims"/)
  assert.match(challenge, /claims="eyJhIjp7fX0="/)
})

test('an upstream that is down is 502 without a name or address of it', async (t) => {
  const { upstream, gateway, token } = await start(t)
  upstream.server.close()
  const answer = await send(gateway.url, post(token))
  assert.equal(answer.status, 502)
  assert.equal(answer.json()['error'], 'upstream_unavailable')
  assert.doesNotMatch(answer.text, /127\.0\.0\.1|localhost|ECONN/)
  assert.ok(!answer.text.includes(new URL(upstream.url).port))
  const audit = await gateway.logged((one) => one['kind'] === 'audit')
  assert.equal(audit['decision'], 'allow', 'it was written before anybody could know')
  const line = await gateway.logged((one) => one['kind'] === 'request')
  assert.deepEqual([line['decision'], line['outcome']], ['unavailable', 'none'])
  assert.match(String(line['reason']), /ECONNREFUSED/)
})

test('an upstream that is slow is 504 after response_timeout', async (t) => {
  const upstream = await startUpstream(t)
  upstream.answerWith(() => undefined)
  const resource = { response_timeout: 200 }
  const gateway = await startGateway(t, { upstream: upstream.url, resource })
  const answer = await send(gateway.url, post(await gateway.entra.mint()))
  assert.equal(answer.status, 504)
  assert.equal(answer.json()['error'], 'upstream_timeout')
})

test('nothing is sent twice, whatever the upstream does to the connection', async (t) => {
  const { upstream, gateway, token } = await start(t)
  upstream.answerWith((request) => request.socket.destroy())
  for (const method of ['POST', 'GET', 'DELETE']) {
    const before = upstream.received.length
    const answer = await send(gateway.url, {
      ...post(token),
      method,
      ...(method === 'POST' ? {} : { body: '' }),
    })
    assert.equal(answer.status, 502)
    assert.equal(upstream.received.length, before + 1, method)
  }
  upstream.answerWith((_request, response) => {
    response.writeHead(503, { 'retry-after': '1' }).end()
  })
  assert.equal((await send(gateway.url, { ...post(token), method: 'GET', body: '' })).status, 503)
  assert.equal(upstream.received.length, 4)
})

test('an answer that breaks off is cut for the client too', async (t) => {
  const { upstream, gateway, token } = await start(t)
  upstream.answerWith((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"half":')
    setImmediate(() => request.socket.destroy())
  })
  await assert.rejects(send(gateway.url, post(token)), /aborted/)
})

test('a DELETE and a GET go up without a body', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const headers = [
    ['Authorization', `Bearer ${token}`],
    ['Content-Type', 'application/json'],
    ['Accept', 'application/json, text/event-stream'],
    ['Accept', 'text/event-stream'],
  ] as const
  for (const method of ['DELETE', 'GET']) {
    assert.equal((await send(gateway.url, { method, headers })).status, 200)
    const received = upstream.received.at(-1)
    assert.equal(received?.method, method)
    assert.equal(received?.body.length, 0)
    assert.equal(received?.headers['content-type'], undefined)
  }
})

test('the body of a DELETE or a GET stays behind, whatever it calls', async (t) => {
  const { upstream, gateway, token } = await start(t)
  for (const method of ['DELETE', 'GET']) {
    const answer = await send(gateway.url, { ...post(token), method })
    assert.equal(answer.status, 200)
    const received = upstream.received.at(-1)
    assert.deepEqual([received?.method, received?.body.length], [method, 0])
    assert.equal(received?.headers['content-type'], undefined)
  }
})

test('a token in a header of its own goes up bare, and no Authorization with it', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resource: { upstream_token_header: 'x-argocd-api-token' },
  })
  const token = await gateway.entra.mint()
  const request = post(token)
  const headers = [...(request.headers ?? []), ['X-ArgoCD-API-Token', 'mine'] as const]
  assert.equal((await send(gateway.url, { ...request, headers })).status, 200)
  const flat = upstream.received[0]?.rawHeaders ?? []
  assert.deepEqual(headerValues(flat, 'x-argocd-api-token'), [token])
  assert.deepEqual(headerValues(flat, 'authorization'), [])
})

test('with upstream_identity own people are authenticated, and no credential goes up', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    resource: { upstream_identity: 'own' },
  })
  assert.equal((await send(gateway.url, post(undefined))).status, 401)
  assert.equal((await send(gateway.url, post(await gateway.entra.mint()))).status, 200)
  assert.deepEqual(headerValues(upstream.received[0]?.rawHeaders ?? [], 'authorization'), [])
  const line = await gateway.logged((one) => one['kind'] === 'audit')
  assert.equal(line['acts_as'], 'upstream')
})

test('bytes after a whole request are no second request without a token', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const { host } = new URL(gateway.url)
  const body = toolCall('a')
  const first = `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const second = `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const text = await sendBytes(gateway.url, first + second)
  assert.match(text, /^HTTP\/1\.1 200 /)
  assert.match(text, /HTTP\/1\.1 401 /)
  assert.equal(upstream.received.length, 1)
})
