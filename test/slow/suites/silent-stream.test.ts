import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { prepareServe, type ServeProcess, untilReady } from '../../support/fault-process.ts'
import { startEntra } from '../../support/gateway.ts'
import { post, toolCall } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

/** Longer than the five minutes after which node:http, undici and load balancers give up. */
const silence = 6 * 60_000

test('a stream and a call that are silent for six minutes live, and then deliver', {
  timeout: silence + 120_000,
}, async (t) => {
  const upstream = await startUpstream(t)
  const open: ServerResponse[] = []
  upstream.answerWith((incoming, response) => {
    const isOurs = incoming.method === 'GET' || incoming.headers['mcp-name'] === 'silent'
    response.writeHead(200, {
      'content-type': isOurs ? 'text/event-stream' : 'application/json',
    })
    if (isOurs) {
      response.flushHeaders()
      open.push(response)
    } else response.end('{}')
  })
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    upstream: upstream.url,
    tenantId: entra.tenantId,
    authority: entra.origin,
    settings: { resource_defaults: { stream_keep_alive: '0s' } }, // nothing breaks the silence
  })
  const serving = await serve()
  await untilReady(serving)
  const token = await entra.mint()
  const answers = await Promise.all([
    begin(serving, { method: 'GET', token }),
    begin(serving, { method: 'POST', token }),
  ])
  assert.equal(open.length, 2)
  for (const answer of answers) {
    assert.equal(answer.statusCode, 200)
    answer.once('close', () => {
      if (!answer.complete) assert.fail('a silent answer was closed')
    })
  }
  const began = performance.now()
  await delay(silence)
  for (const answer of answers) assert.equal(answer.readableEnded, false)
  const arrived = answers.map(async (answer) => {
    const [chunk] = await once(answer, 'data')
    return String(chunk)
  })
  for (const response of open) response.write('data: after the silence\n\n')
  assert.deepEqual(await Promise.all(arrived), Array(2).fill('data: after the silence\n\n'))
  const ended = answers.map((answer) => once(answer, 'end'))
  for (const response of open) response.end()
  await Promise.all(ended)
  assert.ok(answers.every(({ complete }) => complete))
  t.diagnostic(`silent for ${((performance.now() - began) / 1000).toFixed(0)} s`)
})

async function begin(
  serving: ServeProcess,
  { method, token }: { readonly method: 'GET' | 'POST'; readonly token: string },
): Promise<IncomingMessage> {
  const body = toolCall('silent')
  const { headers = [] } = post(token, body)
  const client = request(serving.url, {
    method,
    agent: false,
    headers: { ...Object.fromEntries(headers), 'Mcp-Name': 'silent' },
  })
  client.end(method === 'POST' ? body : undefined)
  const [response] = (await once(client, 'response')) as [IncomingMessage]
  return response
}
