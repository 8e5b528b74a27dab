import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { SimulatedClock } from '../support/clock.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { answerWithSilence, openStream } from '../support/silent-streams.ts'

/** An upstream whose GET is a silent stream, and whose POST answers at once. */
const withoutComments = (text: string) => text.replaceAll(/^:.*\n\n/gm, '')

async function start(t: TestContext, options: Omit<GatewayOptions, 'upstream'> = {}) {
  const upstream = await startUpstream(t)
  const left = answerWithSilence(upstream)
  const gateway = await startGateway(t, { upstream: upstream.url, ...options })
  return { upstream, gateway, left, token: await gateway.entra.mint() }
}

async function within<T>(milliseconds: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what}: not within ${milliseconds} ms`)),
      milliseconds,
    )
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

test('a silent stream gets its headers at once, unbuffered', async (t) => {
  const { gateway, token } = await start(t)
  const stream = await within(1000, 'headers', openStream(gateway, token))
  assert.equal(stream.response.statusCode, 200)
  assert.equal(stream.response.headers['content-type'], 'text/event-stream')
  assert.equal(stream.response.headers['x-accel-buffering'], 'no')
  stream.request.destroy()
})

test('events pass one by one as they are sent', async (t) => {
  const { upstream, gateway, token } = await start(t)
  let push: (text: string) => void = () => undefined
  upstream.answerWith((_incoming, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    push = (text) => response.write(text)
  })
  const { request: client, response } = await openStream(gateway, token)
  for (const event of ['data: 1\n\n', ': comment\n\n', 'data: zwei €\n\n']) {
    push(event)
    const [chunk] = await within(1000, event, once(response, 'data'))
    assert.equal(String(chunk), event)
  }
  client.destroy()
})

test('a client that leaves while the key of its token is fetched has no stream', async (t) => {
  const { upstream, gateway } = await start(t)
  const { entra, service } = gateway
  await entra.rotate()
  entra.slow(300)
  const token = await entra.mint()
  const before = entra.requests()
  const leaver = request(gateway.url, { headers: { authorization: `Bearer ${token}` } })
  leaver.on('error', () => undefined) // it leaves
  leaver.end()
  while (entra.requests() === before) await new Promise((resolve) => setTimeout(resolve, 5))
  leaver.destroy()
  await gateway.logged(({ status }) => status === 499)
  assert.equal((await send(gateway.url, post(token))).status, 200, 'the key is there now')
  assert.deepEqual(
    upstream.received.map(({ method }) => method),
    ['POST'],
  )
  const metrics = await send(`http://127.0.0.1:${service.adminAddress.port}/metrics`)
  assert.match(metrics.text, /^rolecall_open_streams 0$/m)
})

test('a client that hangs up after the headers is seen by the upstream within a second', async (t) => {
  const { gateway, token, left } = await start(t)
  const stream = await openStream(gateway, token)
  stream.request.destroy()
  await within(1000, 'the upstream', Promise.all(left))
  assert.equal(left.length, 1)
})

test('a client that hangs up before the headers is seen by the upstream within a second', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const arrived = new Promise<IncomingMessage>((resolve) => {
    upstream.answerWith((incoming) => resolve(incoming))
  })
  const client = request(gateway.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  })
  client.on('error', () => undefined)
  client.end(post(token).body)
  const incoming = await within(1000, 'the request', arrived)
  const closed = once(incoming.socket, 'close')
  client.destroy()
  await within(1000, 'the upstream', closed)
  const line = await gateway.logged((one) => one['kind'] === 'request')
  assert.deepEqual([line['status'], line['outcome']], [499, 'cut'])
})

test('an answer larger than the client reads at once is held back, not kept in memory', async (t) => {
  const { upstream, gateway, token } = await start(t)
  let written = 0
  upstream.answerWith((_incoming, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const chunk = Buffer.alloc(1 << 20, 'x')
    const write = () => {
      while (written < 256 && response.write(chunk)) written += 1
      if (written < 256) {
        written += 1
        response.once('drain', write)
      } else response.end()
    }
    write()
  })
  const { response } = await openStream(gateway, token)
  response.pause()
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.ok(written < 64, `${written} MiB were taken from the upstream before anybody read them`)
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  response.resume()
  await within(20_000, 'the end', once(response, 'end'))
  assert.ok(bytes >= 255 * (1 << 20))
})

test('an open stream is ended cleanly within 60 s of its token, and a new one is refused', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const { gateway, left } = await start(t, { clock })
  const exp = Math.floor(clock.now() / 1000) + 3600
  const token = await gateway.entra.mint({ claims: { exp } })
  const { response } = await openStream(gateway, token)
  response.resume()
  const ended = once(response, 'end')
  await clock.advance(exp * 1000 - clock.now() - 1)
  assert.equal(response.readableEnded, false)
  await clock.advance(60_000)
  await within(1000, 'the end', ended)
  assert.equal(response.complete, true)
  await within(1000, 'the upstream', Promise.all(left))
  assert.equal((await send(gateway.url, post(token))).status, 401)
})

test('a call in progress may finish after the end of its token', async (t) => {
  const clock = new SimulatedClock(Date.now())
  const { upstream, gateway } = await start(t, { clock })
  let finish: () => void = () => undefined
  const asked = new Promise<void>((resolve) => {
    upstream.answerWith((_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      finish = () => response.end('data: done\n\n')
      resolve()
    })
  })
  const token = await gateway.entra.mint({ lifetime: 60 })
  const answer = send(gateway.url, post(token))
  await asked
  await clock.advance(600_000)
  finish()
  assert.equal(withoutComments((await answer).text), 'data: done\n\n')
})

test('the audit line of a call is there before the upstream sees it, its request line at the end', async (t) => {
  const { upstream, gateway, token } = await start(t)
  const kindsOf = (id: unknown) =>
    gateway.log.filter(({ request_id }) => request_id === id).map(({ kind }) => kind)
  let seen: unknown[] = []
  let finish: () => void = () => undefined
  upstream.answerWith((incoming, response) => {
    seen = kindsOf(/req=([\w-]+)/.exec(incoming.headers['user-agent'] ?? '')?.[1])
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: begun\n\n')
    finish = () => response.end('data: {"jsonrpc":"2.0","id":1,"result":{"isError":true}}\n\n')
  })
  const began = performance.now()
  const answer = await streamedCall(gateway, token)
  assert.deepEqual(seen, ['audit'])
  await new Promise((resolve) => setTimeout(resolve, 300))
  const id = answer.headers.get('x-request-id')
  assert.deepEqual(kindsOf(id), ['audit'])
  finish()
  await answer.text()
  const line = await gateway.logged(({ kind }) => kind === 'request')
  assert.deepEqual(kindsOf(id), ['audit', 'request'])
  assert.equal(line['outcome'], 'tool_error')
  const duration = Number(line['duration_ms'])
  assert.ok(duration > 300 && duration < performance.now() - began, `${duration} ms`)
})

/** Calls `pods_list`; returns with the headers of the answer. */
function streamedCall(gateway: Gateway, token: string): Promise<Response> {
  return fetch(gateway.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: toolCall('pods_list'),
  })
}
