import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { countStatuses, quantile, startCaller, startSteadyLoad } from '../../support/fault-load.ts'
import { prepareServe, type ServeProcess, untilReady } from '../../support/fault-process.ts'
import { startEntra } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

const streams = 1000
const held = 120_000

test('1,000 streams held for two minutes while calls run: none drops, each delivers', {
  timeout: held + 180_000,
}, async (t) => {
  const upstream = await startUpstream(t)
  const open: ServerResponse[] = []
  upstream.answerWith((incoming, response) => {
    const type = incoming.method === 'GET' ? 'text/event-stream' : 'application/json'
    response.writeHead(200, { 'content-type': type })
    if (incoming.method === 'GET') {
      response.flushHeaders()
      open.push(response)
    } else response.end('{}')
  })
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    upstream: upstream.url,
    tenantId: entra.tenantId,
    authority: entra.origin,
    settings: { limits: { streams_per_user: streams } },
  })
  const serving = await serve()
  await untilReady(serving)
  const people = ['alice', 'bob', 'carol']
  const tokens = await Promise.all(people.map((person) => entra.mint({ person })))
  const { call } = startCaller(t, serving.url, people.length)
  const load = startSteadyLoad(t, { people, mint: (person) => entra.mint({ person }), call })
  await delay(5000) // warms up
  const before = await memoryOf(serving)

  const clients: { client: ClientRequest; response: IncomingMessage }[] = []
  const dropped: number[] = []
  for (let opened = 0; opened < streams; opened += 100) {
    const hundred = Array.from({ length: 100 }, (_, index) =>
      openStream(serving, tokens[index % tokens.length] ?? ''),
    )
    clients.push(...(await Promise.all(hundred)))
  }
  let events = 0
  clients.forEach(({ response }, index) => {
    response.setEncoding('utf8').on('data', (text: string) => {
      if (text.startsWith('data: ')) events += 1 // else a comment that keeps it alive
    })
    response.on('close', () => dropped.push(index))
  })
  t.after(() => {
    for (const { client } of clients) client.destroy()
  })
  assert.equal(open.length, streams)
  await delay(held / 2)
  const during = await memoryOf(serving)
  await delay(held / 2)
  const after = await memoryOf(serving)
  assert.deepEqual(dropped, [])
  for (const response of open) response.write('data: still here\n\n')
  const deadline = performance.now() + 10_000
  while (events < streams && performance.now() < deadline) await delay(10)
  assert.equal(events, streams, 'every stream delivered')
  assert.deepEqual(dropped, [])
  await load.stop()
  assert.deepEqual(Object.keys(countStatuses(load.answers)), ['200'])
  const times = load.answers.map(({ took }) => took)
  const perStream = (rss: number) => ((rss - before) / streams / 1024).toFixed(1)
  t.diagnostic(
    `RSS ${(before / 1048576).toFixed(0)} MiB without; per stream ${perStream(during)} KiB after one minute, ${perStream(after)} KiB after two; ${times.length} calls meanwhile, p95 ${quantile(times, 0.95).toFixed(1)} ms`,
  )
})

async function openStream(serving: ServeProcess, token: string) {
  const client = request(serving.url, {
    agent: false,
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
  })
  client.on('error', () => undefined)
  client.end()
  const [response] = (await once(client, 'response')) as [IncomingMessage]
  assert.equal(response.statusCode, 200)
  response.on('error', () => undefined)
  return { client, response }
}

/** The resident memory that the process tells of itself, in bytes. */
async function memoryOf({ admin }: ServeProcess): Promise<number> {
  const { text } = await send(`${admin}/metrics`)
  return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1] ?? Number.NaN)
}
