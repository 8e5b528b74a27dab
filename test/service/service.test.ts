import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createAuthority } from '../environment/certificates.ts'
import { startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { startEntra, startGateway } from '../support/gateway.ts'
import { post, send } from '../support/raw-http.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'

test('readyz is 503 with the reason until keys were fetched once, and 200 through a later outage', async (t) => {
  const upstream = await startUpstream(t)
  const entra = await startEntra(t)
  entra.outage('reset')
  const gateway = await startGateway(t, { entra, upstream: upstream.url, cold: true })
  const admin = `http://127.0.0.1:${gateway.service.adminAddress.port}`
  assert.equal((await send(`${admin}/livez`)).status, 200)
  const before = await send(`${admin}/readyz`)
  assert.equal(before.status, 503)
  assert.match(before.text, /keys/)

  const token = await entra.mint()
  entra.outage('none')
  const began = performance.now()
  while ((await send(`${admin}/readyz`)).status !== 200) {
    assert.ok(performance.now() - began < 15_000, 'not ready within 15 s of the return')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.equal((await send(gateway.url, post(token))).status, 200)

  entra.outage('reset')
  assert.equal((await send(`${admin}/readyz`)).status, 200)
  assert.equal((await send(gateway.url, post(token))).status, 200)
  assert.equal((await send(gateway.url, post(await entra.mint({ person: 'bob' })))).status, 200)
})

test('the admin port has nothing else, and the public one nothing of it', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const admin = `http://127.0.0.1:${gateway.service.adminAddress.port}`
  const missing = await send(`${admin}/mcp`)
  assert.deepEqual([missing.status, missing.json()['error']], [404, 'not_found'])
  assert.match(String(missing.json()['request_id']), /^[\w.-]{8,64}$/)
  for (const path of ['/livez', '/readyz', '/metrics']) {
    assert.equal((await send(`${gateway.origin}${path}`)).status, 404)
  }
})

test('metrics count decisions and name no person', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const token = await gateway.entra.mint()
  await send(gateway.url, post(token))
  await send(gateway.url, post(undefined))
  await gateway.logged((line) => line['status'] === 401)
  const admin = `http://127.0.0.1:${gateway.service.adminAddress.port}`
  const { text } = await send(`${admin}/metrics`)
  assert.match(
    text,
    /rolecall_requests_total\{resource="prod",decision="allow",reason="",status="200"\} 1/,
  )
  assert.match(
    text,
    /rolecall_requests_total\{resource="prod",decision="refuse",reason="no_token",status="401"\} 1/,
  )
  assert.match(text, /rolecall_open_streams 0/)
  assert.match(text, /rolecall_cached_tokens 1/)
  assert.match(text, /rolecall_keys_fetched_timestamp_seconds \d{10}/)
  assert.doesNotMatch(text, /alice|contoso/)
})

test('every log line of a request and its tool call says who, what and why', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const token = await gateway.entra.mint()
  const batch = JSON.stringify([
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'pods_list' } },
    { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'pods_get' } },
    { jsonrpc: '2.0', id: 3, method: 'ping' },
  ])
  const answer = await send(gateway.url, post(token, batch))
  const id = answer.headers['x-request-id']
  await gateway.logged((one) => one['kind'] === 'request' && one['request_id'] === id)
  const lines = gateway.log.filter((one) => one['request_id'] === id)
  assert.deepEqual(
    lines.map(({ kind, tool }) => [kind, tool]),
    [
      ['audit', 'pods_list'],
      ['audit', 'pods_get'],
      ['request', 'pods_list,pods_get'],
    ],
  )
  const audit = lines[1] ?? {}
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  assert.deepEqual(
    { ...audit, time: 0 },
    {
      level: 'info',
      time: 0,
      kind: 'audit',
      request_id: id,
      client_ip: '127.0.0.1',
      iss: claims.iss,
      sub: claims.sub,
      user: 'alice@contoso.test',
      token_id: claims.uti,
      oid: claims.oid,
      tid: claims.tid,
      azp: claims.appid,
      resource: 'prod',
      mcp_method: 'tools/call',
      decision: 'allow',
      acts_as: 'caller',
      tool: 'pods_get',
    },
  )
  const { http_method, path, status, upstream_status, outcome } = lines[2] ?? {}
  assert.deepEqual(
    { http_method, path, status, upstream_status, outcome },
    { http_method: 'POST', path: '/mcp', status: 200, upstream_status: 200, outcome: 'ok' },
  )
})

test('no token, cookie or query string reaches a log line, whatever is sent', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url, config: { log_level: 'trace' } })
  const token = await gateway.entra.mint()
  const secret = 'S3CR3T'
  const tries = [
    () => send(gateway.url, post(token)),
    () => send(gateway.url, post(`${token}${secret}`)),
    () => send(gateway.url, post(secret)),
    () => send(`${gateway.url}?access_token=${token}`, post(token)),
    () => send(`${gateway.url}/${token}`, post(token)),
    () => send(`${gateway.url}/x?code=${secret}&state=${secret}`),
    () =>
      send(gateway.url, {
        headers: [
          ['Cookie', `a=${secret}`],
          ['X-Request-Id', `id-${secret}`],
        ],
      }),
    () => send(gateway.url, { headers: [['Authorization', `Basic ${secret}`]] }),
    () => send(gateway.url, { headers: [['Authorization', `Bearer ${secret} ${token}`]] }),
    () => send(gateway.url, post(token, `{"${secret}`)),
  ]
  for (const attempt of tries) await attempt()
  upstream.server.close()
  await send(gateway.url, post(token))
  await gateway.logged((line) => line['status'] === 502)
  const text = JSON.stringify(gateway.log)
  assert.ok(gateway.log.length > tries.length)
  assert.ok(!text.includes(secret))
  for (const part of token.split('.')) assert.ok(!text.includes(part))
})

test('a stop ends 50 streams cleanly, lets a call finish and takes no longer than its bounds', async (t) => {
  const upstream = await startUpstream(t)
  let finish: () => void = () => undefined
  upstream.answerWith((incoming, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    if (incoming.method === 'POST') finish = () => response.end('data: finished\n\n')
  })
  const config = { shutdown_delay: 300, shutdown_grace: 3000 }
  const gateway = await startGateway(t, { upstream: upstream.url, config })
  const token = await gateway.entra.mint()
  const streams = await Promise.all(Array.from({ length: 50 }, () => open(gateway.url, token)))
  const ended = streams.map((stream) => once(stream.resume(), 'end'))
  const call = send(gateway.url, post(token))
  while (upstream.received.length < 51) await new Promise((resolve) => setTimeout(resolve, 5))

  const began = performance.now()
  const stopped = gateway.service.stop(new AbortController().signal)
  const admin = `http://127.0.0.1:${gateway.service.adminAddress.port}`
  assert.equal((await send(`${admin}/readyz`)).status, 503)
  const during = send(gateway.url, post(token)) // still serving
  while (upstream.received.length < 52) await new Promise((resolve) => setTimeout(resolve, 5))
  finish()
  assert.equal((await during).text, 'data: finished\n\n')
  await Promise.all(ended)
  assert.ok(streams.every((stream) => stream.complete))
  const half = call.then(
    () => 'whole',
    () => 'cut',
  )
  await stopped
  assert.equal(await half, 'cut', 'a call that never ends is cut after the grace')
  const took = performance.now() - began
  assert.ok(took >= 300 && took < 4500, `${took} ms`)
  await assert.rejects(send(gateway.url), /ECONNREFUSED/)
})

test('a second signal ends the stop at once', async (t) => {
  const upstream = await startUpstream(t)
  upstream.answerWith(() => undefined)
  const config = { shutdown_delay: 60_000, shutdown_grace: 60_000 }
  const gateway = await startGateway(t, { upstream: upstream.url, config })
  const call = send(gateway.url, post(await gateway.entra.mint())).catch(() => 'cut')
  while (upstream.received.length < 1) await new Promise((resolve) => setTimeout(resolve, 5))
  const again = new AbortController()
  const stopped = gateway.service.stop(again.signal)
  setTimeout(() => again.abort(), 100)
  const began = performance.now()
  await stopped
  assert.ok(performance.now() - began < 2000)
  assert.equal(await call, 'cut')
})

test('a reload changes what is demanded, keeps streams, sessions and known keys', async (t) => {
  const upstream = await startUpstream(t)
  upstream.answerWith((incoming, response) => {
    const type = incoming.method === 'GET' ? 'text/event-stream' : 'application/json'
    response.writeHead(200, { 'content-type': type, 'mcp-session-id': 's' })
    if (incoming.method === 'GET') response.flushHeaders()
    else response.end('{}')
  })
  const gateway = await startGateway(t, { upstream: upstream.url })
  const token = await gateway.entra.mint()
  const session = String((await send(gateway.url, post(token))).headers['mcp-session-id'])
  const stream = await open(gateway.url, token)
  gateway.entra.outage('reset')
  const [resource] = gateway.config.resources
  assert.ok(resource)
  await gateway.service.reload({
    ...gateway.config,
    resources: [{ ...resource, path: '/other', required_scopes: ['user.read'] }],
  })
  assert.equal((await send(gateway.url, post(token))).status, 404)
  const other = post(token)
  const headers = [...(other.headers ?? []), ['Mcp-Session-Id', session] as const]
  assert.equal((await send(`${gateway.origin}/other`, { ...other, headers })).status, 200)
  assert.equal(stream.readableEnded, false)
  stream.destroy()
})

test('a reload to another identity provider has its keys before it takes over', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const other = await startMockEntra()
  t.after(() => other.close())
  const before = await gateway.entra.mint()
  const after = await other.mint()
  assert.equal((await send(gateway.url, post(before))).status, 200)
  const { identity_provider: provider } = gateway.config
  assert.ok(provider.kind === 'entra')
  other.slow(300)
  const reloaded = gateway.service.reload({
    ...gateway.config,
    identity_provider: { ...provider, authority: other.origin },
  })
  assert.equal((await send(gateway.url, post(before))).status, 200)
  await reloaded
  assert.equal((await send(gateway.url, post(after))).status, 200)
  assert.equal((await send(gateway.url, post(before))).status, 401)
})

test('with a certificate it speaks https, and a renewed one is shown without a restart', async (t) => {
  const upstream = await startUpstream(t)
  const authority = await createAuthority('edge')
  const first = await authority.issue({ names: ['localhost'] })
  const config = { tls: first }
  const gateway = await startGateway(t, { upstream: upstream.url, config })
  const port = gateway.service.address.port
  const shown = async () => {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: authority.certificate,
    })
    await once(socket, 'secureConnect')
    const { serialNumber } = socket.getPeerCertificate()
    socket.destroy()
    return serialNumber
  }
  const before = await shown()
  assert.match(before, /^[0-9A-F]+$/)
  const second = await authority.issue({ names: ['localhost'] })
  await gateway.service.reload({ ...gateway.config, tls: second })
  assert.notEqual(await shown(), before)
  await assert.rejects(
    send(gateway.url),
    /socket hang up|ECONNRESET|Parse Error/,
    'plain http is not answered',
  )
})

test('an upstream with an authority of its own is verified, and shown our certificate', async (t) => {
  const authority = await createAuthority('upstream')
  const stranger = await createAuthority('stranger')
  const server = await authority.issue({ names: ['localhost'] })
  const client = await authority.issue({ clientName: 'rolecall' })
  const upstream = await startUpstream(t, { ...server, ca: authority.certificate })
  const entra = await startEntra(t)
  const token = await entra.mint()
  const status = async (resource: object) => {
    const gateway = await startGateway(t, { entra, upstream: upstream.url, resource })
    return (await send(gateway.url, post(token))).status
  }
  const trusted = {
    upstream_certificate_authority: authority.certificate,
    upstream_client_certificate: client,
  }
  assert.equal(await status(trusted), 200)
  assert.equal(
    await status({ ...trusted, upstream_certificate_authority: stranger.certificate }),
    502,
  )
  assert.equal(await status({ upstream_client_certificate: client }), 502)
  assert.equal(upstream.received.length, 1)
  assert.deepEqual(headerValues(upstream.received[0]?.rawHeaders ?? [], 'authorization'), [
    `Bearer ${token}`,
  ])
})

async function open(url: string, token: string): Promise<IncomingMessage> {
  const stream = request(url, { headers: { authorization: `Bearer ${token}` }, agent: false })
  stream.on('error', () => undefined)
  stream.end()
  const [response] = (await once(stream, 'response')) as [IncomingMessage]
  return response.on('error', () => undefined)
}
