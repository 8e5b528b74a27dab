import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Config } from '../../src/config/config.ts'
import { mostConnections } from '../../src/http/connection-limit.ts'
import { startBroker } from '../support/broker-gateway.ts'
import { DEFAULTS, limitsWith } from '../support/defaults.ts'
import { startGateway } from '../support/gateway.ts'
import { type Answer, post, type Sent, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

/** A gateway whose upstream keeps every call until it is told to answer. */
async function start(t: TestContext, limits: Partial<Config['limits']>) {
  const upstream = await startUpstream(t)
  const waiting: ServerResponse[] = []
  upstream.answerWith((_request, response) => {
    waiting.push(response)
  })
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    config: { limits: limitsWith(limits) },
  })
  const answerAll = () => {
    for (const response of waiting.splice(0)) response.end('{}')
  }
  return { gateway, waiting, answerAll, token: await gateway.entra.mint() }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !holds(); i += 1) await new Promise((done) => setTimeout(done, 10))
  assert.ok(holds(), what)
}

function bodyOf(bytes: number): string {
  const call = toolCall('pods_list')
  return call + ' '.repeat(bytes - call.length)
}

function chunked(sent: Sent): Sent {
  return { ...sent, headers: [...(sent.headers ?? []), ['Transfer-Encoding', 'chunked']] }
}

function assertNoRoom(answer: Answer, setting: RegExp): void {
  assert.equal(answer.status, 503, answer.text)
  assert.match(answer.headers['retry-after'] ?? '', /^\d+$/)
  assert.match(answer.text, setting)
}

for (const framed of [(sent: Sent) => sent, chunked]) {
  test(`bodies beyond limits.buffered_bytes are 503 ${framed === chunked ? 'in chunks' : 'by their length'}`, async (t) => {
    const { gateway, waiting, answerAll, token } = await start(t, {
      body_bytes: 10_000,
      buffered_bytes: 25_000,
    })
    const [bob, carol] = [
      await gateway.entra.mint({ person: 'bob' }),
      await gateway.entra.mint({ person: 'carol' }),
    ]
    const call = (bytes: number, by = token) => send(gateway.url, framed(post(by, bodyOf(bytes))))
    const held = [call(10_000), call(10_000, bob)]
    await until('both are held', () => waiting.length === 2)
    assertNoRoom(await call(10_000, carol), /limits\.buffered_bytes/)
    const small = call(4_000, carol)
    await until('there is room for a small one', () => waiting.length === 3)
    answerAll()
    for (const answer of await Promise.all([...held, small])) assert.equal(answer.status, 200)
    const next = call(10_000)
    await until('their room is free again', () => waiting.length === 1)
    answerAll()
    assert.equal((await next).status, 200)
  })
}

test('a body that is still arriving counts, and no longer once its client has left', async (t) => {
  const { gateway, waiting, answerAll, token } = await start(t, {
    body_bytes: 10_000,
    buffered_bytes: 15_000,
  })
  const { hostname, port, host } = new URL(gateway.url)
  const head = `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n`
  for (const rest of [
    'Content-Length: 10000\r\n\r\n{',
    `Transfer-Encoding: chunked\r\n\r\n2000\r\n${'x'.repeat(0x2000)}\r\n`,
  ]) {
    const socket = connect({ host: hostname, port: Number(port) })
    t.after(() => socket.destroy())
    socket.write(head + rest)
    const call = () => send(gateway.url, post(token, bodyOf(10_000)))
    let refused: Answer | undefined
    for (let i = 0; i < 100 && refused === undefined; i += 1) {
      const before = waiting.length
      const answer = call()
      await Promise.race([answer, until('it is held', () => waiting.length > before)])
      answerAll()
      const { status } = await answer
      if (status === 503) refused = await answer
    }
    assertNoRoom(refused ?? assert.fail('it never counted'), /limits\.buffered_bytes/)
    socket.destroy()
    await once(socket, 'close')
    let taken = 0
    for (let i = 0; i < 100 && taken === 0; i += 1) {
      const answer = call()
      await Promise.race([answer, until('it is held', () => waiting.length > 0)])
      taken = waiting.length
      answerAll()
      await answer
    }
    assert.equal(taken, 1)
  }
})

test('one user who posts slowly leaves room for the calls of others', async (t) => {
  const limits = { body_bytes: 100_000, buffered_bytes: 400_000 }
  const { gateway, waiting, answerAll, token } = await start(t, limits)
  const { hostname, port, host } = new URL(gateway.url)
  const answers: string[] = []
  for (let i = 0; i < 8; i += 1) {
    const socket = connect({ host: hostname, port: Number(port) })
    t.after(() => socket.destroy())
    socket.on('data', (chunk: Buffer) => answers.push(chunk.toString()))
    socket.write(
      `POST /mcp HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n`,
    )
  }
  await until('seven of them are refused', () => answers.length === 7)
  assert.ok(answers.every((answer) => answer.startsWith('HTTP/1.1 503 ')))
  const other = send(
    gateway.url,
    post(await gateway.entra.mint({ person: 'bob' }), bodyOf(100_000)),
  )
  await until('another user has room', () => waiting.length === 1)
  answerAll()
  assert.equal((await other).status, 200)
})

test('strangers who post slowly leave room for the calls of users', async (t) => {
  const upstream = await startUpstream(t)
  const limits = limitsWith({ body_bytes: 100_000, buffered_bytes: 400_000 })
  const { gateway } = await startBroker(t, {
    upstream: upstream.url,
    config: { limits },
    signIn: { tokens: 'passthrough' },
  })
  const { hostname, port, host } = new URL(gateway.origin)
  const answers: string[] = []
  for (let i = 0; i < 20; i += 1) {
    const socket = connect({ host: hostname, port: Number(port) })
    t.after(() => socket.destroy())
    socket.on('data', (chunk: Buffer) => answers.push(chunk.toString()))
    socket.write(
      `POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\na`,
    )
  }
  await until('19 of them are refused', () => answers.length === 19)
  assert.ok(answers.every((answer) => answer.startsWith('HTTP/1.1 503 ')))
  const token = await gateway.entra.mint()
  const { status } = await send(gateway.url, post(token, bodyOf(100_000)))
  assert.notEqual(status, 503)
})

test('connections beyond limits.connections: idle ones make room, else the new one is answered', async (t) => {
  const { gateway, waiting, answerAll, token } = await start(t, { connections: 5 })
  const { hostname, port, host } = new URL(gateway.url)
  const idle = Array.from({ length: 3 }, () => connect({ host: hostname, port: Number(port) }))
  for (const socket of idle) {
    t.after(() => socket.destroy())
    socket.on('error', () => undefined) // some versions of Node reset what they close
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await once(socket, 'data')
  }
  const calls = Array.from({ length: 5 }, () => send(gateway.url, post(token)))
  await until('the idle ones have made room', () => waiting.length === 5)
  assert.ok(idle.every((socket) => socket.destroyed || socket.readableEnded))
  assertNoRoom(await send(gateway.url, post(token)), /limits\.connections/)
  answerAll()
  for (const answer of await Promise.all(calls)) assert.equal(answer.status, 200)
  const metrics = await send(`http://127.0.0.1:${gateway.service.adminAddress.port}/metrics`)
  assert.match(metrics.text, /rolecall_limits_reached_total\{limit="connections"\} 1\n/)
  const next = send(gateway.url, post(token))
  await until('there is room again', () => waiting.length === 1)
  answerAll()
  assert.equal((await next).status, 200)
})

test('a process takes three quarters of its descriptors unless it is told a number', () => {
  assert.equal(mostConnections(7), 7)
  const most = mostConnections(0)
  assert.ok(most > 100 && most <= 1_000_000, `${most}`)
})

test('an idle connection is kept for keep_alive', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url, config: { keep_alive: 1000 } })
  const { hostname, port, host } = new URL(gateway.url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /Keep-Alive: timeout=1\r\n/)
  const began = performance.now()
  await once(socket, 'end')
  const took = performance.now() - began
  assert.ok(took > 900 && took < 4000, `${took} ms`)
  assert.equal(DEFAULTS.keep_alive, 75_000)
})

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

for (const late of ['', 'x']) {
  test(`an idle connection does not hold a token that was refused${late && ' before its body came'}`, async (t) => {
    const { gateway } = await start(t, {})
    const { port, host } = new URL(gateway.url)
    const ask = async (characters: number) => {
      const socket = connect({ host: '127.0.0.1', port: Number(port) })
      t.after(() => socket.destroy())
      const lines = [
        'POST /mcp HTTP/1.1',
        `Host: ${host}`,
        `Authorization: Bearer ${'A'.repeat(characters)}`,
        `Content-Length: ${late.length}`,
      ]
      socket.write(`${lines.join('\r\n')}\r\n\r\n`)
      const [answer] = await once(socket, 'data')
      assert.match(String(answer), /^HTTP\/1\.1 401 /)
      socket.write(late)
    }
    const heldBy = async (characters: number) => {
      collect()
      const before = process.memoryUsage().heapUsed
      for (let i = 0; i < 100; i += 1) await ask(characters)
      await new Promise((done) => setTimeout(done, 20))
      collect()
      return (process.memoryUsage().heapUsed - before) / 100
    }
    await heldBy(10)
    const more = (await heldBy(30_000)) - (await heldBy(10))
    assert.ok(more < 10_000, `${Math.round(more)} bytes more for a large token`)
  })
}
