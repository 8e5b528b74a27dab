import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool } from 'undici'
import { startGateway } from '../../support/gateway.ts'
import { toolCall } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { rulesOf } from '../../support/ruled-gateway.ts'
import { oddNames } from '../../tool-rules/odd-names.ts'
import { type ModelRule, modelAllows } from '../../tool-rules/reference-model.ts'

const CALLS = 10_000
const tools = ['pods_list', 'pods_log', 'pods_delete', 'pods_exec', 'helm_list']
const reads = ['pods_list', 'pods_log', 'helm_list']
const rules: readonly ModelRule[] = [
  { tools: ['pods_*'], hint: 'read_only' },
  { tools: ['*_list', 'pods_exec*'] },
]

test('of 10,000 calls with odd names those reach the upstream that the model allows', async (t) => {
  const upstream = await startUpstream(t)
  const listed = tools.map((name) => ({
    name,
    annotations: { readOnlyHint: reads.includes(name) },
  }))
  upstream.answerWith((_request, response) => {
    const { id } = JSON.parse(upstream.received.at(-1)?.body.toString() ?? '{}')
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { tools: listed } }))
  })
  const gateway = await startGateway(t, {
    upstream: upstream.url,
    config: { log_level: 'warn' },
    resource: { allow: rulesOf(rules) },
  })
  const pool = new Pool(gateway.origin, { connections: 8 })
  t.after(() => pool.destroy())
  const headers = {
    authorization: `Bearer ${await gateway.entra.mint()}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  const names = oddNames(tools, CALLS, 7)
  const call = async (name: string): Promise<void> => {
    const body = toolCall(name)
    const answer = await pool.request({ method: 'POST', path: '/mcp', headers, body })
    assert.equal(answer.statusCode, 200)
    await answer.body.dump()
  }
  const left = names[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    for (const name of left) await call(name)
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  const went = upstream.received
    .map(({ body }) => JSON.parse(body.toString() || '{}'))
    .flatMap(({ method, params }) => (method === 'tools/call' ? [String(params.name)] : []))
  const allowed = names.filter((tool) =>
    modelAllows(rules, {
      tool,
      ...(tools.includes(tool) && { readOnlyHint: reads.includes(tool) }),
      groups: [],
      clients: [],
    }),
  )
  assert.deepEqual(went.toSorted(), allowed.toSorted())
  assert.ok(allowed.length > 300 && allowed.length < CALLS / 2, String(allowed.length))
})
