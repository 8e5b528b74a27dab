import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { MockEntra } from '../environment/mock-entra/mock-entra.ts'
import { until } from '../support/fault-load.ts'
import { prepareServe, readiness, type ServeProcess, untilReady } from '../support/fault-process.ts'
import { startEntra } from '../support/gateway.ts'
import { type Answer, post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const session = 'session-of-the-upstream'

/** An upstream with streams, and with calls that take as long as their tool says. */
async function start(t: TestContext, settings: Readonly<Record<string, unknown>>) {
  const upstream = await startUpstream(t)
  const seen = new Map<string, number>()
  upstream.answerWith((incoming, response) => {
    const streams = incoming.method === 'GET'
    response.writeHead(200, {
      'content-type': streams ? 'text/event-stream' : 'application/json',
      'mcp-session-id': session,
    })
    if (streams) {
      response.write('data: begun\n\n')
      return
    }
    const { id, params } = JSON.parse(String(upstream.received.at(-1)?.body))
    const tool = String(params?.name)
    const [, milliseconds] = /^after-(\d+)$/.exec(tool) ?? []
    // Others are the proof that serve asks of each upstream at its start.
    if (milliseconds !== undefined || tool === 'never') seen.set(id, (seen.get(id) ?? 0) + 1)
    if (tool === 'never') response.flushHeaders()
    else setTimeout(() => response.end(JSON.stringify({ id })), Number(milliseconds ?? 0))
  })
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    upstream: upstream.url,
    tenantId: entra.tenantId,
    authority: entra.origin,
    settings,
  })
  return { upstream, seen, entra, serve }
}

test('SIGTERM under load with 50 streams: all calls are answered, streams end cleanly, exit 0 within the bounds', async (t) => {
  const settings = { shutdown_delay: '1s', shutdown_grace: '1s' }
  const { upstream, seen, entra, serve } = await start(t, settings)
  const serving = await serve()
  await untilReady(serving)
  const token = await entra.mint()
  const streams = await Promise.all(Array.from({ length: 50 }, () => openStream(serving, token)))
  const ends = streams.map((stream) => once(stream, 'end'))
  const load = startCalls(serving, entra)
  await until('calls are under way', () => seen.size > 50)

  const began = performance.now()
  process.kill(serving.pid, 'SIGTERM')
  await until('not ready', async () => (await readiness(serving)) === 503)
  // As a load balancer would: it sees the 503 a little later and sends no more.
  await new Promise((resolve) => setTimeout(resolve, 150))
  const long = send(serving.url, post(token, toolCall('after-600', 'long')))
  const never = send(serving.url, post(token, toolCall('never', 'never'))).catch(() => 'cut')
  await until('both have arrived', () => seen.has('long') && seen.has('never'))
  const answers = await load.stop()
  assert.ok(performance.now() - began < 1000, 'calls were made during shutdown_delay only')
  await Promise.all(ends)
  assert.ok(streams.every((stream) => stream.complete))
  assert.equal((await long).status, 200, 'a call in flight may finish')
  const exit = await serving.exited
  const took = performance.now() - began
  assert.equal(exit.code, 0, exit.lastLines.join('\n'))
  assert.ok(took < 1000 + 1000 + 1000, `${took} ms`)
  assert.equal(await never, 'cut', 'one that never ends is cut after the grace')
  assert.ok(answers.every(({ status }) => status === 200))
  assert.ok(
    [...seen.values()].every((count) => count === 1),
    'nothing was sent twice',
  )
  assert.equal(seen.size, answers.length + 2, 'nothing was lost')
  await until('the upstream is left alone', async () => {
    return (
      (await new Promise((resolve) => upstream.server.getConnections((_, n) => resolve(n)))) === 0
    )
  })
  t.diagnostic(`exit 0 after ${took.toFixed(0)} ms (bound 3,000), ${answers.length} calls answered`)
})

test('after SIGKILL under load a restart is ready within 5 s, and sessions opened before go on', async (t) => {
  const sealing = randomBytes(32).toString('base64url')
  const { upstream, entra, serve } = await start(t, { sealing_keys: [sealing] })
  const first = await serve()
  await untilReady(first)
  const token = await entra.mint()
  const opened = await send(first.url, post(token))
  const id = String(opened.headers['mcp-session-id'])
  assert.ok(id.length > session.length)
  const stream = await openStream(first, token)
  const cut = new Promise((resolve) => stream.once('close', resolve))
  const load = startCalls(first, entra)
  await until('calls are under way', () => upstream.received.length > 50)
  await first.kill()
  await cut
  await load.stop()
  assert.equal(stream.complete, false, 'a stream that was cut does not look ended')

  const again = await serve()
  const took = await untilReady(again)
  const { headers = [], ...rest } = post(await entra.mint())
  const inSession = { ...rest, headers: [...headers, ['Mcp-Session-Id', id] as const] }
  assert.equal((await send(again.url, inSession)).status, 200)
  // Not the last one: the proof about the upstream, at start, asks meanwhile.
  const reached = upstream.received.filter(
    ({ headers: sent }) => sent['mcp-session-id'] === session,
  )
  assert.equal(reached.length, 1)
  const bob = post(await entra.mint({ person: 'bob' }))
  const stolen = { ...bob, headers: [...(bob.headers ?? []), ['Mcp-Session-Id', id] as const] }
  assert.equal((await send(again.url, stolen)).status, 404)
  assert.ok(took < 5000, `ready after ${took} ms`)
  t.diagnostic(`ready ${took.toFixed(0)} ms after the start of the process`)
})

/** Eight people who call, each call on a connection of its own, until the process is gone. */
function startCalls(serving: ServeProcess, entra: MockEntra) {
  const answers: Answer[] = []
  let stopped = false
  let calls = 0
  const caller = async () => {
    const token = await entra.mint()
    while (!stopped) {
      calls += 1
      const answer = await send(serving.url, post(token, toolCall('after-20', `call ${calls}`)))
      answers.push(answer)
    }
  }
  const running = Promise.allSettled(Array.from({ length: 8 }, caller))
  return {
    /** Ends the calling when every call under way is answered; cut ones are not among the answers. */
    async stop(): Promise<readonly Answer[]> {
      stopped = true
      await running
      return answers
    },
  }
}

async function openStream(serving: ServeProcess, token: string): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  const client = request(serving.url, { headers, agent: false })
  client.on('error', () => undefined)
  client.end()
  const [response] = (await once(client, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  return response.resume()
}

test('a process that is killed in the middle of a call has written who made it', async (t) => {
  const upstream = await startUpstream(t)
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    upstream: upstream.url,
    tenantId: entra.tenantId,
    authority: entra.origin,
    settings: { audit: { before_dispatch: true } },
  })
  const serving = await serve()
  await untilReady(serving)
  const reached = new Promise<string>((resolve) => {
    upstream.answerWith((incoming, response) => {
      const id = /req=([\w-]+)/.exec(incoming.headers['user-agent'] ?? '')?.[1]
      if (id === undefined) {
        response.writeHead(404).end() // rolecall's own question, as whom the upstream acts
        return
      }
      process.kill(serving.pid, 'SIGKILL')
      resolve(id)
    })
  })
  await assert.rejects(send(serving.url, post(await entra.mint(), toolCall('pods_delete'))))
  const id = await reached
  await until('its line is there', () => serving.log().includes(id))
  const line = JSON.parse(
    serving
      .log()
      .split('\n')
      .find((one) => one.includes(id)) ?? '',
  )
  assert.deepEqual(
    [line.kind, line.tool, line.user, line.decision],
    ['audit', 'pods_delete', 'alice@contoso.test', 'allow'],
  )
})
