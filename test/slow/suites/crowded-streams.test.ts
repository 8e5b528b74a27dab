import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { limitsWith } from '../../support/defaults.ts'
import { type Gateway, startGateway } from '../../support/gateway.ts'
import { post } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

interface Stream {
  readonly request: ClientRequest
  readonly response: IncomingMessage
}

/** Opens a GET stream and waits for its headers. */
async function openStream(gateway: Gateway, token: string, agent?: Agent): Promise<Stream> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  const stream = request(gateway.url, { headers, agent: agent ?? false })
  stream.on('error', () => undefined)
  stream.end()
  const [response] = (await once(stream, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  return { request: stream, response }
}

/** An upstream whose GET is a silent stream, and whose POST answers at once. */
async function start(t: TestContext) {
  const upstream = await startUpstream(t)
  const left: Promise<unknown>[] = []
  upstream.answerWith((incoming, response) => {
    if (incoming.method === 'POST') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    left.push(once(incoming.socket, 'close'))
  })
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    config: { limits: limitsWith({ streams_per_user: 1000 }) },
  })
  return { upstream, gateway, left, token: await gateway.entra.mint() }
}

test('with 1,000 open streams a call takes at most half as long again at the 95th percentile', async (t) => {
  const { gateway, token, left } = await start(t)
  const agent = new Agent({ maxSockets: 2000 })
  const keepAlive = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => {
    agent.destroy()
    keepAlive.destroy()
  })
  const round = async () => {
    const times: number[] = []
    for (let i = 0; i < 150; i += 1) {
      const began = performance.now()
      await call(gateway.url, token, keepAlive)
      times.push(performance.now() - began)
    }
    return times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN
  }
  // The best of several rounds: what else this machine does at the time is not rolecall's.
  const p95 = async () => {
    const rounds: number[] = []
    for (let i = 0; i < 8; i += 1) rounds.push(await round())
    return Math.min(...rounds)
  }
  await p95() // warms up
  const without = await p95()
  for (let opened = 0; opened < 1000; opened += 100) {
    await Promise.all(Array.from({ length: 100 }, () => openStream(gateway, token, agent)))
  }
  assert.equal(left.length, 1000)
  const withStreams = await p95()
  // Half a millisecond is beneath what a timer on a shared machine can tell.
  assert.ok(
    withStreams <= without * 1.5 + 0.5,
    `p95 ${withStreams.toFixed(2)} ms with streams, ${without.toFixed(2)} ms without`,
  )
  t.diagnostic(`p95 ${without.toFixed(2)} ms without, ${withStreams.toFixed(2)} ms with streams`)
})

function call(url: string, token: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const client = request(url, {
      agent,
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    })
    client.on('error', reject)
    client.on('response', (response) => response.resume().on('end', resolve))
    client.end(post(token).body)
  })
}
