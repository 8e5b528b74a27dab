import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Server } from 'node:net'
import { type TestContext, test } from 'node:test'
import { limitsWith } from '../support/defaults.ts'
import {
  countStatuses,
  repeat,
  startCaller,
  startSteadyLoad,
  until,
} from '../support/fault-load.ts'
import { type Gateway, startGateway } from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

test('200 sockets that drip their headers hold up nobody, and are ended in time', async (t) => {
  const upstream = await startUpstream(t)
  const limits = limitsWith({ header_timeout: 500 })
  const gateway = await startGateway(t, { upstream: upstream.url, config: { limits } })
  const { call } = startCaller(t, gateway.url, 3)
  const mint = (person: string) => gateway.entra.mint({ person })
  const load = startSteadyLoad(t, { people: ['alice', 'bob', 'carol'], mint, call })
  await load.renewTokens()
  const dripping = Array.from({ length: 200 }, () => drip(t, gateway))
  const ended = await Promise.all(dripping)
  await load.stop()
  assert.deepEqual(Object.keys(countStatuses(load.answers)), ['200'])
  assert.ok(load.answers.length >= 20, `${load.answers.length} calls of others were answered`)
  assert.ok(ended.every(({ text }) => text.startsWith('HTTP/1.1 408 ')))
  const slowest = Math.max(...ended.map(({ took }) => took))
  // header_timeout, two seconds until it is noticed, and a loaded machine.
  assert.ok(slowest < 6000, `the last was ended after ${slowest} ms`)
  t.diagnostic(
    `${load.answers.length} good calls meanwhile; last drip ended after ${slowest.toFixed(0)} ms`,
  )
})

/** One byte of a header every 100 ms, until the server has had enough. */
async function drip(t: TestContext, gateway: Gateway): Promise<{ text: string; took: number }> {
  const { hostname, port, host } = new URL(gateway.url)
  const socket = connect({ host: hostname, port: Number(port) })
  t.after(() => socket.destroy())
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  const began = performance.now()
  socket.write(`POST /mcp HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `)
  const timer = setInterval(() => socket.write('x'), 100)
  socket.on('end', () => socket.destroy())
  await once(socket, 'close')
  clearInterval(timer)
  return { text, took: performance.now() - began }
}

/** The moments at which a client may be gone; each hangs up after up to 40 ms. */
const moments = ['half a body', 'waiting', 'in an answer', 'in a stream'] as const

test('500 clients that hang up at any moment leave nothing behind', async (t) => {
  const upstream = await startUpstream(t)
  upstream.server.keepAliveTimeout = 3500 // told, so that idle connections end after a second
  const held = new Set<NodeJS.Timeout>()
  upstream.answerWith((incoming, response) => {
    const type = incoming.method === 'GET' ? 'text/event-stream' : 'application/json'
    if (incoming.headers['accept-language'] === 'waiting') return // answers nothing
    response.writeHead(200, { 'content-type': type })
    response.write(incoming.method === 'GET' ? 'data: 1\n\n' : '{"half":')
    if (incoming.headers['accept-language'] !== undefined) return
    const timer = setTimeout(() => response.end(incoming.method === 'GET' ? '' : '1}'), 5)
    held.add(timer)
    response.on('close', () => held.delete(timer))
  })
  const warnings: Error[] = []
  const warned = (warning: Error) => warnings.push(warning)
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  const gateway = await startGateway(t, { upstream: upstream.url })
  const token = await gateway.entra.mint()
  const calls = async () => {
    for (let i = 0; i < 5; i += 1) {
      assert.equal((await send(gateway.url, post(token))).status, 200)
    }
  }
  await calls()
  await until('idle', async () => (await connections(upstream.server)) <= 1)
  const before = counts()

  await repeat(500, 50, async (index) => {
    const moment = moments[index % moments.length] ?? 'waiting'
    await hangUp(gateway, token, moment, (index * 7) % 40)
  })
  await until('open streams end', async () => (await openStreams(gateway)) === 0)
  await until(
    'connections to the upstream end',
    async () => (await connections(upstream.server)) <= 1,
    15_000,
  )
  await calls()
  await until('sockets are closed', () => counts().sockets <= before.sockets, 15_000)
  const after = counts()
  assert.deepEqual(after.listeners, before.listeners)
  assert.deepEqual(
    warnings.map((warning) => warning.message),
    [],
  )
  const unfinished = gateway.log.filter(({ kind, status }) => kind === 'request' && status === 499)
  assert.ok(unfinished.length > 100, 'each that hung up while it waited has its line')
  assert.ok(!gateway.log.some((line) => line['level'] === 'error'))
  t.diagnostic(`sockets ${before.sockets} → ${after.sockets}`)
})

/** Sends a request and is gone some milliseconds after the moment. */
async function hangUp(
  gateway: Gateway,
  token: string,
  moment: (typeof moments)[number],
  milliseconds: number,
): Promise<void> {
  const streams = moment === 'in a stream'
  const body = toolCall(moment)
  const client = request(gateway.url, {
    method: streams ? 'GET' : 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      'accept-language': moment, // one of those that pass, also without a body
      ...(streams
        ? { accept: 'text/event-stream' }
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    },
  })
  client.on('error', () => undefined)
  client.on('response', (response) => response.on('error', () => undefined).resume())
  if (moment === 'half a body') client.write(body.slice(0, 10))
  else client.end(streams ? undefined : body)
  if (moment === 'in an answer' || streams) await once(client, 'response')
  else await once(client, 'socket')
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
  // Not `once`: it rejects on the error that hanging up is.
  const closed = new Promise((resolve) => client.once('close', resolve))
  client.destroy()
  await closed
}

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}

async function openStreams(gateway: Gateway): Promise<number> {
  const admin = `http://127.0.0.1:${gateway.service.adminAddress.port}`
  const { text } = await send(`${admin}/metrics`)
  return Number(/^rolecall_open_streams (\d+)/m.exec(text)?.[1] ?? Number.NaN)
}

/** What of this process is open: it holds both sides of everything here. */
function counts() {
  const resources = process.getActiveResourcesInfo()
  const isSocket = (name: string) => name === 'TCPSocketWrap' || name === 'TCPWRAP'
  return {
    sockets: resources.filter(isSocket).length,
    listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
  }
}
