import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMcpBody } from '../../../src/forward/body/mcp-message.ts'
import {
  differingHeader,
  type MirroredHeaders,
  mayBatch,
} from '../../../src/forward/body/mirrored-headers.ts'
import { startGateway } from '../../support/gateway.ts'
import { post, send, toolCall } from '../../support/raw-http.ts'
import { startUpstream } from '../../support/recording-upstream.ts'

const call = toolCall('pods_list')
const named = (name: string) => toolCall(name)
const read = '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a"}}'
const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
const encoded = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`

const rows: readonly (readonly [string, MirroredHeaders, string | undefined])[] = [
  [call, {}, undefined],
  [call, { method: 'tools/call', name: 'pods_list' }, undefined],
  [call, { method: 'tools/list' }, 'Mcp-Method'],
  [call, { method: 'Tools/Call' }, 'Mcp-Method'],
  [call, { method: '' }, 'Mcp-Method'],
  [call, { method: 'tools/call', name: 'pods_delete' }, 'Mcp-Name'],
  [call, { name: '' }, 'Mcp-Name'],
  [call, { name: encoded('pods_list') }, undefined],
  [call, { name: encoded('pods_delete') }, 'Mcp-Name'],
  [call, { name: '=?base64?cG9kc19saXN0====?=' }, 'Mcp-Name'],
  [call, { name: '=?BASE64?cG9kc19saXN0?=' }, 'Mcp-Name'],
  [named('Zürich'), { name: encoded('Zürich') }, undefined],
  [named('Zürich'), { name: 'Zürich' }, undefined],
  [named('\ud83d\ude00?'), { name: encoded('\ud83d\ude00?') }, undefined],
  [read, { method: 'resources/read', name: 'file:///a' }, undefined],
  [read, { name: 'file:///b' }, 'Mcp-Name'],
  [list, { method: 'tools/list' }, undefined],
  [list, { name: 'tools/list' }, 'Mcp-Name'],
  [`[${call}]`, { method: 'tools/call' }, 'Mcp-Method'],
  [`[${call}]`, { name: 'pods_list' }, 'Mcp-Name'],
  ['', { method: 'tools/call' }, 'Mcp-Method'],
  ['{"jsonrpc":"2.0","id":1,"result":{}}', { method: 'tools/call' }, 'Mcp-Method'],
]
for (const [text, headers, differs] of rows) {
  test(`${text || 'no body'} with ${JSON.stringify(headers)}: ${differs ?? 'agrees'}`, async () => {
    const body = await readMcpBody(Buffer.from(text), 50)
    assert.equal(differingHeader(headers, body), differs)
  })
}

const versions: readonly (readonly [string | undefined, boolean])[] = [
  [undefined, true],
  ['2024-11-05', true],
  ['2025-03-26', true],
  ['2025-06-18', false],
  ['2026-07-28', false],
  ['2025-03-26 ', false],
  ['DRAFT-2026', false],
  ['', false],
]
for (const [protocolVersion, may] of versions) {
  test(`revision ${protocolVersion ?? '(none)'} has ${may ? '' : 'no '}batches`, () => {
    assert.equal(mayBatch({ protocolVersion }), may)
  })
}

test('a header that differs is a 400 in JSON-RPC, refused in the log, and never goes up', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const request = post(await gateway.entra.mint())
  const headers = [...(request.headers ?? []), ['Mcp-Name', 'pods_delete'] as const]
  const answer = await send(gateway.url, { ...request, headers })
  assert.equal(answer.status, 400)
  assert.deepEqual(answer.json(), {
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32020, message: 'The header Mcp-Name does not say what the body says.' },
  })
  assert.equal(upstream.received.length, 0)
  const line = await gateway.logged(({ kind }) => kind === 'audit')
  assert.deepEqual(
    [line['tool'], line['decision'], line['reason']],
    ['pods_list', 'refuse', 'header_mismatch'],
  )
  assert.ok(!JSON.stringify(gateway.log).includes('pods_delete'))
})

test('a batch is a 400 under a revision that has none', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { upstream: upstream.url })
  const token = await gateway.entra.mint()
  const answers: number[] = []
  for (const version of ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']) {
    const request = post(token, `[${call}]`)
    const headers = [...(request.headers ?? []), ['MCP-Protocol-Version', version] as const]
    answers.push((await send(gateway.url, { ...request, headers })).status)
  }
  assert.deepEqual(answers, [200, 400, 400, 400])
  assert.equal(upstream.received.length, 1)
})
