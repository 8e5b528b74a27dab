import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { SimulatedClock } from '../support/clock.ts'
import { limitsWith } from '../support/defaults.ts'
import { until } from '../support/fault-load.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const listen = '{"jsonrpc":"2.0","id":9,"method":"subscriptions/listen","params":{}}'

/** An upstream that answers nothing by itself: what it was asked waits in `held`. */
async function start(t: TestContext, options: Omit<GatewayOptions, 'upstream'> = {}) {
  const upstream = await startUpstream(t)
  const held: ServerResponse[] = []
  upstream.answerWith((_incoming, response) => held.push(response))
  const gateway = await startGateway(t, { upstream: upstream.url, ...options })
  return { upstream, gateway, held, token: await gateway.entra.mint() }
}

function answerAll(held: ServerResponse[]): void {
  for (const response of held.splice(0)) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{"jsonrpc":"2.0","id":1,"result":{}}')
  }
}

/** Opens a stream and waits for its headers. */
async function openStream(gateway: Gateway, token: string, body?: string) {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  const method = body === undefined ? 'GET' : 'POST'
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const client = request(gateway.url, { method, headers: { ...headers, ...type }, agent: false })
  client.on('error', () => undefined)
  client.end(body)
  const [response] = (await once(client, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  return { client, response }
}

const streaming = (_incoming: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
}

test('one user has so many calls at once at a resource; beyond, the answer says when to come back', async (t) => {
  const limits = limitsWith({ calls_per_user: 3 })
  const { upstream, gateway, held, token } = await start(t, { config: { limits } })
  const first = [1, 2, 3].map((id) => send(gateway.url, post(token, toolCall('a', id))))
  await until('three are under way', () => held.length === 3)

  const refused = await send(gateway.url, post(token, toolCall('b', 'x')))
  assert.equal(refused.status, 200)
  const { id, result } = refused.json() as { id: unknown; result: Record<string, unknown> }
  assert.deepEqual([id, result['isError']], ['x', true])
  assert.match(JSON.stringify(result), /3 calls .*limits\.calls_per_user.* in 5 seconds/)
  assert.doesNotMatch(refused.text, /401|nauthorized/)
  assert.equal(refused.headers['retry-after'], '5')
  const line = await gateway.logged(({ kind, tool }) => kind === 'audit' && tool === 'b')
  assert.deepEqual([line['decision'], line['reason']], ['refuse', 'too_many_calls'])

  const list = await send(
    gateway.url,
    post(token, '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'),
  )
  assert.equal((list.json()['error'] as { code: number }).code, -32003)
  const other = send(gateway.url, post(await gateway.entra.mint({ person: 'bob' })))
  const oneWay = send(
    gateway.url,
    post(token, '{"jsonrpc":"2.0","method":"notifications/cancelled"}'),
  )
  await until('another user and what asks for nothing pass', () => held.length === 5)
  answerAll(held)
  assert.deepEqual(
    (await Promise.all([...first, other, oneWay])).map(({ status }) => status),
    [200, 200, 200, 200, 200],
  )
  assert.equal(upstream.received.length, 5)
  const again = send(gateway.url, post(token))
  await until('a call that ended makes room', () => held.length === 1)
  answerAll(held)
  assert.equal((await again).status, 200)
})

test('each request of a batch is a call, and a batch that is alone always passes', async (t) => {
  const limits = limitsWith({ calls_per_user: 3 })
  const { gateway, held, token } = await start(t, { config: { limits } })
  const batch = (count: number) => `[${Array(count).fill(toolCall('a')).join()}]`
  const large = send(gateway.url, post(token, batch(5)))
  await until('it is under way', () => held.length === 1)
  const refused = await send(gateway.url, post(token, batch(2)))
  assert.equal((JSON.parse(refused.text) as unknown[]).length, 2)
  answerAll(held)
  assert.equal((await large).status, 200)
  const pair = send(gateway.url, post(token, batch(2)))
  await until('two are under way', () => held.length === 1)
  assert.match((await send(gateway.url, post(token, batch(2)))).text, /calls_per_user/)
  answerAll(held)
  await pair
})

test('a client that leaves while its large body is read has made no call and holds nothing', async (t) => {
  const limits = limitsWith({ calls_per_user: 1 })
  const { upstream, gateway, token } = await start(t, { config: { limits } })
  const body = toolCall('x'.repeat(4_000_000))
  const { hostname, port, host } = new URL(gateway.url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined)
  socket.write(
    `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  socket.write(body, () => socket.destroy())
  await gateway.logged(({ kind, status }) => kind === 'request' && status === 499)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const before = upstream.received.length
  upstream.answerWith((_incoming, response) => response.writeHead(200).end('{}'))
  const answer = await send(gateway.url, post(token))
  assert.deepEqual([answer.status, answer.text], [200, '{}'])
  assert.equal(upstream.received.length, before + 1)
})

test('a user who is refused by configuration costs a bounded number of lines', async (t) => {
  const { upstream, gateway, token } = await start(t, { resource: { required_groups: ['none'] } })
  const batch = (count: number) => `[${Array(count).fill('{"method":"tools/call"}').join()}]`
  assert.equal((await send(gateway.url, post(token, batch(51)))).status, 400)
  assert.equal((await send(gateway.url, post(token, batch(50)))).status, 202)
  await gateway.logged(({ kind, status }) => kind === 'request' && status === 202)
  assert.equal(gateway.log.filter(({ kind }) => kind === 'audit').length, 50)
  assert.equal(upstream.received.length, 0)
})

test('one user holds so many streams at a resource; 429 with Retry-After beyond', async (t) => {
  const limits = limitsWith({ streams_per_user: 2 })
  const { upstream, gateway, token } = await start(t, { config: { limits } })
  upstream.answerWith(streaming)
  const get = await openStream(gateway, token)
  const subscription = await openStream(gateway, token, `[${toolCall('a')},${listen}]`)
  for (const sent of [{ ...post(token), method: 'GET', body: '' }, post(token, listen)]) {
    const refused = await send(gateway.url, sent)
    assert.equal(refused.status, 429)
    assert.equal(refused.json()['error'], 'too_many_streams')
    assert.equal(refused.headers['retry-after'], '5')
  }
  const other = await openStream(gateway, await gateway.entra.mint({ person: 'bob' }))
  get.client.destroy()
  await until('room', () => gateway.log.some(({ http_method }) => http_method === 'GET'))
  const next = await openStream(gateway, token)
  assert.equal(next.response.statusCode, 200)
  for (const { client } of [subscription, other, next]) client.destroy()
})

test('streams that clients leave make no connection, and connections never exceed requests', async (t) => {
  const limits = limitsWith({ streams_per_user: 100 })
  const { upstream, gateway, token } = await start(t, { config: { limits } })
  upstream.answerWith(streaming)
  let connections = 0
  upstream.server.on('connection', () => {
    connections += 1
  })
  for (let round = 0; round < 3; round += 1) {
    const open = await Promise.all(Array.from({ length: 50 }, () => openStream(gateway, token)))
    for (const { client } of open) client.destroy()
    const lines = () => gateway.log.filter(({ kind }) => kind === 'request').length
    await until('all are over', () => lines() === 50 * (round + 1))
  }
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal(upstream.received.length, 150)
  assert.ok(connections <= 150, `${connections} connections for 150 requests`)
})

test('a connection serves one call after the other', async (t) => {
  const { upstream, gateway, token } = await start(t)
  upstream.answerWith((_incoming, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  let connections = 0
  upstream.server.on('connection', () => {
    connections += 1
  })
  for (let i = 0; i < 20; i += 1) await send(gateway.url, post(token))
  assert.equal(connections, 1)
})

test('a call ends ten minutes after its token at the latest: cut when begun, 504 when not', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const { upstream, gateway, held } = await start(t, { clock })
  const token = await gateway.entra.mint({ lifetime: 60 })
  const waiting = send(gateway.url, post(token, toolCall('waits')))
  await until('it is under way', () => held.length === 1)
  upstream.answerWith((incoming, response) => {
    streaming(incoming, response)
    response.write('data: begun\n\n')
  })
  const streamed = await openStream(gateway, token, toolCall('streams'))
  streamed.response.resume()
  let ended = false
  streamed.response.on('close', () => {
    ended = true
  })
  await clock.advance(60_000 + 595_000)
  assert.equal(ended, false)
  await clock.advance(10_000)
  const answer = await waiting
  assert.deepEqual([answer.status, answer.json()['error']], [504, 'upstream_timeout'])
  await until('the streamed one is cut', () => ended)
  assert.equal(streamed.response.complete, false)
  const line = await gateway.logged(({ kind, tool }) => kind === 'request' && tool === 'streams')
  assert.equal(line['outcome'], 'cut')
})

for (const body of [
  listen,
  `[${toolCall('a')},${listen}]`,
  `[{"id":1,"method":"ping"},${listen}]`,
]) {
  test(`${body.slice(0, 60)}… ends cleanly within 60 s of its token`, async (t) => {
    const clock = new SimulatedClock(Date.now())
    const { upstream, gateway } = await start(t, { clock })
    upstream.answerWith(streaming)
    const token = await gateway.entra.mint({ lifetime: 60 })
    const { response } = await openStream(gateway, token, body)
    response.resume()
    const end = once(response, 'end')
    await clock.advance(120_000)
    await end
    assert.equal(response.complete, true)
  })
}

test('a client that does not read its answer is left after a minute, and its call is free', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const limits = limitsWith({ calls_per_user: 1 })
  const { upstream, gateway, token } = await start(t, { clock, config: { limits } })
  let gone = false
  let unsent = () => -1
  upstream.answerWith((_incoming, response) => {
    unsent = () => response.writableLength
    response.writeHead(200, { 'content-type': 'application/json' })
    response.on('close', () => {
      gone = true
    })
    response.write(Buffer.alloc(64 * 1_048_576, ' '))
  })
  const { hostname, port, host } = new URL(gateway.url)
  const socket = connect({ host: hostname, port: Number(port) })
  t.after(() => socket.destroy())
  socket.on('error', () => undefined).pause()
  const body = toolCall('a')
  socket.write(
    `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  await until('it begins', () => unsent() > 0)
  await standsStill(unsent)
  await clock.advance(50_000)
  assert.equal(gone, false)
  await clock.advance(30_000)
  await until('it is left', () => gone)
  const line = await gateway.logged(({ kind }) => kind === 'request')
  assert.equal(line['outcome'], 'cut')
  upstream.answerWith((_incoming, response) => response.writeHead(200).end('{}'))
  assert.equal((await send(gateway.url, post(token))).status, 200)
})

/** On a machine that does much else the buffers on the way fill slowly. */
async function standsStill(reading: () => number): Promise<void> {
  for (let before = -1; reading() !== before; ) {
    before = reading()
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

const keepAlive = ': keep-alive\n\n'
test('a silent stream is kept alive between events, and never inside one', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const { upstream, gateway, token } = await start(t, { clock })
  let push: (text: string) => void = () => undefined
  upstream.answerWith((incoming, response) => {
    streaming(incoming, response)
    push = (text) => response.write(text)
  })
  const { client, response } = await openStream(gateway, token)
  let text = ''
  response.on('data', (chunk: Buffer) => {
    text += chunk
  })
  const received = (expected: string) => until(JSON.stringify(expected), () => text === expected)
  await clock.advance(30_000)
  await received(keepAlive)
  push('data: 1\n')
  await received(`${keepAlive}data: 1\n`)
  await clock.advance(120_000)
  push('data: 2\r\n\r')
  await received(`${keepAlive}data: 1\ndata: 2\r\n\r`)
  await clock.advance(20_000)
  assert.equal(text, `${keepAlive}data: 1\ndata: 2\r\n\r`)
  await clock.advance(10_000)
  await received(`${keepAlive}data: 1\ndata: 2\r\n\r${keepAlive}`)
  client.destroy()
})

test('a stream is not kept alive with "0s", nor an answer that is no event stream', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const { upstream, gateway, token } = await start(t, { clock, resource: { stream_keep_alive: 0 } })
  upstream.answerWith(streaming)
  const { client, response } = await openStream(gateway, token)
  let text = ''
  response.on('data', (chunk: Buffer) => {
    text += chunk
  })
  await clock.advance(300_000)
  assert.equal(text, '')
  client.destroy()
  upstream.answerWith((_incoming, held) => {
    held.writeHead(200, { 'content-type': 'application/json' }).write('{')
    setTimeout(() => held.end('}'), 100)
  })
  const answer = send(gateway.url, post(token))
  await clock.advance(300_000)
  assert.equal((await answer).text, '{}')
})

test('a reload ends the streams that it would refuse, and no others', async (t) => {
  const { upstream, gateway, token } = await start(t)
  upstream.answerWith(streaming)
  const groups = (name: string) =>
    gateway.entra.mint({ person: name, claims: { groups: [`${name}s`] } })
  const alice = await openStream(gateway, await groups('alice'))
  const bob = await openStream(gateway, await groups('bob'))
  const call = await openStream(gateway, token, toolCall('a'))
  for (const { response } of [alice, bob, call]) response.resume()
  const ended = once(alice.response, 'end')
  const [resource] = gateway.config.resources
  assert.ok(resource)
  await gateway.service.reload({
    ...gateway.config,
    resources: [{ ...resource, required_groups: ['bobs'] }],
  })
  await ended
  assert.equal(alice.response.complete, true)
  assert.equal(bob.response.readableEnded, false)
  assert.equal(call.response.readableEnded, false, 'a call may finish')
  const bobEnds = once(bob.response, 'end')
  await gateway.service.reload({ ...gateway.config, resources: [{ ...resource, name: 'other' }] })
  await bobEnds
  call.client.destroy()
})

test('a stream whose key the provider withdraws ends with the next fetch', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const { upstream, gateway } = await start(t, { clock })
  upstream.answerWith(streaming)
  const { response } = await openStream(gateway, await gateway.entra.mint({ lifetime: 86_400 }))
  response.resume()
  const withdrawn = gateway.entra.keyIds().current
  await gateway.entra.rotate()
  gateway.entra.retireKey(withdrawn)
  assert.equal(response.readableEnded, false)
  await clock.advance(3_600_000)
  await until('it is judged again', async () => {
    await clock.advance(20_000)
    return response.readableEnded
  })
  assert.equal(response.complete, true)
})

test('a request whose body is still arriving at a reload ends on what it began with', async (t) => {
  const { upstream, gateway, token } = await start(t)
  upstream.answerWith((_incoming, response) => response.writeHead(200).end('{"done":true}'))
  await send(gateway.url, post(token))
  const { hostname, port, host } = new URL(gateway.url)
  const socket = connect({ host: hostname, port: Number(port) })
  t.after(() => socket.destroy())
  const body = toolCall('slow')
  socket.write(
    `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
  )
  await new Promise((resolve) => setTimeout(resolve, 100))
  const [resource] = gateway.config.resources
  assert.ok(resource)
  const elsewhere = { ...resource, upstream: 'http://localhost:1/mcp' }
  await gateway.service.reload({ ...gateway.config, resources: [elsewhere] })
  await new Promise((resolve) => setTimeout(resolve, 200))
  socket.write(body.slice(10))
  const [answer] = await once(socket.setEncoding('utf8'), 'data')
  assert.match(answer, /^HTTP\/1\.1 200 .*\{"done":true\}/s)
  assert.equal(upstream.received.length, 2)
  assert.equal((await send(gateway.url, post(token))).status, 502, 'the next goes elsewhere')
})

test('tool calls without an id are calls: a batch of them counts each', async (t) => {
  const limits = limitsWith({ calls_per_user: 3 })
  const { gateway, held, token } = await start(t, { config: { limits } })
  const call = '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a"}}'
  const batch = `[${Array(4).fill(call).join()}]`
  const first = send(gateway.url, post(token, batch))
  await until('it is under way', () => held.length === 1)
  const refused = await send(gateway.url, post(token, batch))
  assert.deepEqual([refused.status, refused.json()['error']], [429, 'too_many_calls'])
  answerAll(held)
  assert.equal((await first).status, 200)
})

test('subscriptions without an id take no call off the count', async (t) => {
  const limits = limitsWith({ calls_per_user: 3 })
  const { gateway, held, token } = await start(t, { config: { limits } })
  const unasked = '{"jsonrpc":"2.0","method":"subscriptions/listen"}'
  const calls = [1, 2, 3].map((id) => send(gateway.url, post(token, toolCall('a', id))))
  await until('three calls are under way', () => held.length === 3)
  const stream = send(gateway.url, post(token, `[${Array(20).fill(unasked).join()}]`))
  await until('a stream is', () => held.length === 4)
  const one = await send(gateway.url, post(token, toolCall('a', 4)))
  assert.match(one.text, /limits\.calls_per_user/)
  answerAll(held)
  await Promise.all([...calls, stream])
})

test('requests that wait behind another one (pipelining) end with their connection', async (t) => {
  const body = toolCall('a')
  const limits = limitsWith({ calls_per_user: 3, buffered_bytes: 12 * body.length })
  const { upstream, gateway, held, token } = await start(t, { config: { limits } })
  const lines = [
    'POST /mcp HTTP/1.1',
    `Host: ${new URL(gateway.url).host}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  const client = connect(Number(new URL(gateway.url).port))
  client.write(`${lines.join('\r\n')}\r\n\r\n${body}`.repeat(3))
  await until('three are under way', () => held.length === 3)
  let cancelled = 0
  for (const response of held) response.once('close', () => (cancelled += 1))
  client.destroy()
  await until('all of them are cancelled', () => cancelled === 3)

  const ended = () => gateway.log.filter(({ kind }) => kind === 'request')
  await until('each has its line', () => ended().length === 3)
  assert.deepEqual(
    ended().map(({ status, outcome }) => [status, outcome]),
    Array(3).fill([499, 'cut']),
  )
  held.length = 0
  const again = [1, 2, 3].map((id) => send(gateway.url, post(token, toolCall('a', id))))
  await until('three others have room', () => held.length === 3)
  answerAll(held)
  for (const { text } of await Promise.all(again)) assert.doesNotMatch(text, /limits\./)
  assert.equal(upstream.received.length, 6)
})
