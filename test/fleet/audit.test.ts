import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  auditLineSchema,
  questionLineSchema,
  requestLineSchema,
} from '../../src/observe/log-lines.ts'
import type { ToolRule } from '../../src/tool-rules/judge-tool.ts'
import { DEFAULTS } from '../support/defaults.ts'
import {
  askFleet,
  callFleet,
  type FleetAsked,
  outcomesOf,
  rpc,
  scriptOf,
  textsOf,
} from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts'
import { bodyOf, followScript, status } from '../support/scripted-mcp.ts'

interface Started {
  readonly asked: FleetAsked
  readonly upstreams: readonly RecordingUpstream[]
  readonly gateway: Awaited<ReturnType<typeof startFleetGateway>>
}

async function startPair(
  t: TestContext,
  audit: Partial<(typeof DEFAULTS)['audit']> = {},
  allow: readonly ToolRule[] = [],
): Promise<Started> {
  const upstreams = [await startUpstream(t), await startUpstream(t)]
  for (const upstream of upstreams) followScript(upstream, scriptOf())
  const gateway = await startFleetGateway(
    t,
    upstreams.map(({ url }, index) => ({
      name: ['prod', 'dev'][index] ?? '',
      upstream: url,
      allow: [...allow],
    })),
    { config: { audit: { ...DEFAULTS.audit, ...audit } } },
  )
  const token = await gateway.entra.mint({ person: 'alice' })
  return { upstreams, gateway, asked: { url: gateway.fleetUrl, token } }
}

function calls({ upstreams }: Started): number {
  return upstreams.flatMap(({ received }) =>
    received.filter((one) => bodyOf(one).method === 'tools/call'),
  ).length
}

/** Once the request line is there, so are all of its audit lines. */
async function auditLines({ gateway }: Started, members: readonly string[]): Promise<unknown[][]> {
  await gateway.logged(({ kind }) => kind === 'request')
  return gateway.log
    .filter(({ kind }) => kind === 'audit')
    .map((line) => members.map((member) => line[member]))
}

const given = { cluster: 'prod' }
const modern = {
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'pods_list',
}

type Row = readonly [
  what: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  tool: string,
]

const notRead: readonly Row[] = [
  [
    'arguments that are no object',
    {},
    rpc('tools/call', { name: 'pods_list', arguments: [] }),
    'pods_list',
  ],
  ['a call without a name', {}, rpc('tools/call', { arguments: given }), '(unnamed)'],
  [
    'a call without an id',
    {},
    { jsonrpc: '2.0', method: 'tools/call', params: { name: 'pods_list', arguments: given } },
    'pods_list',
  ],
  [
    'an id that is none',
    {},
    rpc('tools/call', { name: 'pods_list', arguments: given }, null),
    'pods_list',
  ],
  [
    'another JSON-RPC',
    {},
    { ...rpc('tools/call', { name: 'pods_list', arguments: given }), jsonrpc: '1.0' },
    'pods_list',
  ],
  [
    'a revision that is not spoken',
    { 'mcp-protocol-version': '2020-01-01' },
    rpc('tools/call', { name: 'pods_list', arguments: given }),
    'pods_list',
  ],
  [
    'the envelope of 2026-07-28 left out',
    { ...modern, 'mcp-param-cluster': 'prod' },
    rpc('tools/call', { name: 'pods_list', arguments: given }),
    'pods_list',
  ],
  [
    'an Accept that is not served',
    { accept: 'text/plain' },
    rpc('tools/call', { name: 'pods_list', arguments: given }),
    'pods_list',
  ],
]

for (const [what, headers, body, tool] of notRead) {
  test(`${what}: the call is not made, and its audit line says so`, async (t) => {
    const started = await startPair(t)
    await askFleet({ ...started.asked, headers }, body)
    assert.deepEqual(await auditLines(started, ['tool', 'decision', 'reason']), [
      [tool, 'refuse', 'invalid_request'],
    ])
    const request = await started.gateway.logged(({ kind }) => kind === 'request')
    assert.deepEqual([request['decision'], request['reason']], ['refuse', 'invalid_request'])
    assert.equal(calls(started), 0)
  })
}

test('of a batch each line has the arguments of its own call, at the cluster that it reaches', async (t) => {
  const started = await startPair(t, { arguments: ['pods_list'] })
  const call = (id: unknown, more: object) =>
    rpc('tools/call', { name: 'pods_list', arguments: more }, id)
  await askFleet(started.asked, [
    call('b', { cluster: 'dev', namespace: 'two' }),
    call(1, { cluster: 'prod', namespace: 'one', password: 'x' }),
    call('1', { cluster: '*', namespace: 'all' }),
  ])
  const lines = await auditLines(started, ['cluster', 'decision', 'arguments'])
  assert.deepEqual(
    lines.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
    [
      ['dev', 'allow', { cluster: '*', namespace: 'all' }],
      ['dev', 'allow', { cluster: 'dev', namespace: 'two' }],
      ['prod', 'allow', { cluster: '*', namespace: 'all' }],
      ['prod', 'allow', { cluster: 'prod', namespace: 'one', password: '********' }],
    ],
  )
  assert.equal(calls(started), 4)
  const schemas = {
    audit: auditLineSchema,
    request: requestLineSchema,
    question: questionLineSchema,
  }
  for (const [kind, schema] of Object.entries(schemas)) {
    const told = started.gateway.log.filter((line) => line['kind'] === kind)
    assert.ok(told.length > 0, kind)
    for (const line of told) schema.parse(line)
  }
  const asked = started.gateway.log.filter(({ kind }) => kind === 'question')
  assert.deepEqual(new Set(asked.map(({ cluster }) => cluster)), new Set(['prod', 'dev']))
})

for (const cluster of ['prod', '*']) {
  test(`before_dispatch: a line that cannot be written makes no call at ${cluster}`, async (t) => {
    const started = await startPair(t, { file: '/dev/full', before_dispatch: true })
    const answer = await callFleet(started.asked, 'pods_list', { cluster })
    assert.equal(answer.isError, true)
    assert.match(textsOf(answer).join('\n'), /not asked, since the audit line of this call/)
    if (cluster === '*') {
      assert.deepEqual(outcomesOf(answer), { prod: 'unreachable', dev: 'unreachable' })
    }
    assert.equal(calls(started), 0)
    const request = await started.gateway.logged(({ kind }) => kind === 'request')
    assert.deepEqual(
      [request['decision'], request['reason'], request['outcome']],
      ['unavailable', 'audit_unavailable', 'none'],
    )
  })
}

const ALLOW: readonly ToolRule[] = [
  { tools: ['pods_list'], groups: [], clients: [] },
  { tools: ['pods_delete'], groups: ['33333333-3333-4444-8555-666666666666'], clients: [] },
]

type RefusedRow = readonly [
  name: string,
  cluster: string | undefined,
  words: RegExp,
  decision: string,
  reason: string,
]

const notMade: readonly RefusedRow[] = [
  ['pods_list', undefined, /^Name a cluster/, 'refuse', 'no_such_cluster'],
  ['pods_list', 'prd', /^There is no cluster "prd"/, 'refuse', 'no_such_cluster'],
  ['pods_lst', '*', /^There is no tool "pods_lst"/, 'refuse', 'no_such_tool'],
  ['pods_delete', 'prod', /^prod: .* the rules of .*[^.]\.$/, 'refuse', 'tool_not_allowed'],
  ['pods_delete', '*', /^The rules of these clusters do not let you/, 'refuse', 'tool_not_allowed'],
]

for (const [name, cluster, words, decision, reason] of notMade) {
  test(`${name} at ${cluster}: both lines say ${reason}, as at a member's own path`, async (t) => {
    const started = await startPair(t, {}, ALLOW)
    const answer = await callFleet(started.asked, name, { cluster })
    assert.equal(answer.isError, true)
    assert.match(textsOf(answer).join('\n'), words)
    assert.deepEqual(await auditLines(started, ['decision', 'reason']), [[decision, reason]])
    const request = await started.gateway.logged(({ kind }) => kind === 'request')
    assert.deepEqual(
      [request['decision'], request['reason'], request['outcome']],
      [decision, reason, 'none'],
    )
    assert.equal(calls(started), 0)
  })
}

test('a cluster whose tools are not known is not refused: nothing could be decided', async (t) => {
  const started = await startPair(t)
  const [prod] = started.upstreams
  assert.ok(prod)
  followScript(prod, scriptOf({ list: status(500) }))
  await callFleet(started.asked, 'pods_list', { cluster: '*' })
  assert.deepEqual(await auditLines(started, ['cluster', 'decision', 'reason']), [
    ['prod', 'unavailable', 'tools_not_known'],
    ['dev', 'allow', undefined],
  ])
})

test('where no cluster can be reached, the answer says that, and not that there is no such tool', async (t) => {
  const started = await startPair(t)
  for (const upstream of started.upstreams) followScript(upstream, scriptOf({ list: status(500) }))
  const answer = await callFleet(started.asked, 'pods_list', { cluster: '*' })
  assert.deepEqual(outcomesOf(answer), { prod: 'unreachable', dev: 'unreachable' })
  const request = await started.gateway.logged(({ kind }) => kind === 'request')
  assert.deepEqual([request['decision'], request['outcome']], ['unavailable', 'none'])
})

test('a client that leaves before its call is made has a line for it, and no call', async (t) => {
  const started = await startPair(t)
  let asked = (): void => undefined
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  let answer = (): void => undefined
  const [prod] = started.upstreams
  prod?.answerWith((_incoming, response) => {
    answer = () => response.writeHead(500).end()
    asked()
  })
  const leaving = new AbortController()
  const leftCall = callFleet({ ...started.asked, signal: leaving.signal }, 'pods_list', given)
  await isAsked
  leaving.abort()
  await leftCall.catch(() => undefined)
  await started.gateway.logged(({ kind, outcome }) => kind === 'request' && outcome === 'cut')
  answer()
  const line = await started.gateway.logged(({ kind }) => kind === 'audit')
  assert.deepEqual([line['decision'], line['reason']], ['refuse', 'client_left'])
  assert.equal(calls(started), 0)
})
