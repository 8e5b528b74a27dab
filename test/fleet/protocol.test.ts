import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  askFleet,
  callFleet,
  type FleetAsked,
  rpc,
  scriptOf,
  textsOf,
} from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import { send } from '../support/raw-http.ts'
import { type RecordingUpstream, startUpstream } from '../support/recording-upstream.ts'
import { bodyOf, followScript, listing, type Script, tool } from '../support/scripted-mcp.ts'

const READS = { annotations: { readOnlyHint: true } }

interface Three {
  readonly asked: FleetAsked
  readonly upstreams: Readonly<Record<string, RecordingUpstream>>
  readonly gateway: Awaited<ReturnType<typeof startFleetGateway>>
}

async function startFleet(
  t: TestContext,
  scripts: Readonly<Record<string, Script>>,
  over: object = {},
): Promise<Three> {
  const upstreams: Record<string, RecordingUpstream> = {}
  for (const [name, script] of Object.entries(scripts)) {
    const upstream = await startUpstream(t)
    followScript(upstream, scriptOf(script))
    upstreams[name] = upstream
  }
  const gateway = await startFleetGateway(
    t,
    Object.entries(upstreams).map(([name, { url }]) => ({ name, upstream: url, ...over })),
  )
  const token = await gateway.entra.mint({ person: 'alice' })
  return { upstreams, gateway, asked: { url: gateway.fleetUrl, token } }
}

function reached(upstreams: Three['upstreams']): number {
  return Object.values(upstreams).reduce((sum, { received }) => sum + received.length, 0)
}

const call = (given: object, name = 'pods_list') => rpc('tools/call', { name, arguments: given })

type Row = readonly [
  what: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  code: number | undefined,
]

const refused: readonly Row[] = [
  [
    'another cluster in the header',
    { 'mcp-param-cluster': 'dev' },
    call({ cluster: 'prod' }),
    -32020,
  ],
  ['a cluster in the header alone', { 'mcp-param-cluster': 'prod' }, call({}), -32020],
  ['every cluster in the header', { 'mcp-param-cluster': '*' }, call({ cluster: 'prod' }), -32020],
  ['another method', { 'mcp-method': 'ping' }, call({ cluster: 'prod' }), -32020],
  ['another tool', { 'mcp-name': 'pods_delete' }, call({ cluster: 'prod' }), -32020],
  [
    'two names',
    {},
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b","arguments":{"cluster":"prod"}}}',
    undefined,
  ],
  [
    'arguments twice',
    {},
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"cluster":"prod"},"arguments":{"cluster":"dev"}}}',
    undefined,
  ],
  ['no JSON', {}, '{"jsonrpc":', undefined],
]

for (const [what, headers, body, code] of refused) {
  test(`${what} is 400, and no cluster is touched`, async (t) => {
    const { asked, upstreams } = await startFleet(t, { prod: {}, dev: {} })
    const { status, message } = await askFleet({ ...asked, headers }, body)
    assert.equal(status, 400)
    if (code !== undefined) assert.equal(message.error?.code, code)
    assert.equal(reached(upstreams), 0)
  })
}

type Mendable = readonly [name: string, given: object, words: RegExp]

const mendable: readonly Mendable[] = [
  ['pods_list', {}, /^Name a cluster in "cluster"\. Your clusters: prod, dev\.$/],
  ['pods_list', { cluster: 'staging' }, /no cluster "staging" for you\. Your clusters: prod, dev/],
  ['pods_list', { cluster: ['prod'] }, /^Name a cluster/],
  [
    'pods_top',
    { cluster: 'prod' },
    /^prod has no tool "pods_top"\. It has: pods_delete, pods_list/,
  ],
  ['pods_top', { cluster: '*' }, /^There is no tool "pods_top"\. There are: clusters_list, pods_/],
  ['__proto__', { cluster: 'prod' }, /^prod has no tool "__proto__"/],
  ['pods_delete', { cluster: '*' }, /"pods_delete" may change something.*name it in "cluster"/],
]

for (const [name, given, words] of mendable) {
  test(`${name} with ${JSON.stringify(given)} is a tool error that a model can mend`, async (t) => {
    const { asked, upstreams } = await startFleet(t, { prod: {}, dev: {} })
    const answer = await callFleet(asked, name, given as Record<string, unknown>)
    assert.equal(answer.isError, true)
    assert.match(textsOf(answer)[0] ?? '', words)
    for (const { received } of Object.values(upstreams)) {
      assert.ok(received.every((one) => bodyOf(one).method !== 'tools/call'))
    }
  })
}

test('what goes up is the call as it came, without the cluster, with one bearer', async (t) => {
  const { asked, upstreams } = await startFleet(t, { prod: {}, dev: {} })
  const given = { namespace: 'team-a', deep: { cluster: 'x', list: [1, null] } }
  const headers = { 'mcp-param-cluster': 'dev', 'x-other': '1', cookie: 'a=b' }
  await callFleet({ ...asked, headers }, 'pods_list', { cluster: 'dev', ...given })
  const sent = upstreams['dev']?.received.find((one) => bodyOf(one).method === 'tools/call')
  assert.ok(sent)
  assert.deepEqual(bodyOf(sent).params?.['arguments'], given)
  assert.equal(sent.headers.authorization, `Bearer ${asked.token}`)
  for (const name of ['mcp-param-cluster', 'x-other', 'cookie']) {
    assert.equal(sent.headers[name], undefined, name)
  }
  assert.match(String(sent.headers['user-agent']), /^rolecall\/0\.0\.0-test \(req=/)
  assert.equal(upstreams['prod']?.received.length, 0)
})

const initialize = rpc('initialize', {
  protocolVersion: '2025-03-26',
  capabilities: {},
  clientInfo: { name: 'raw', version: '1' },
})

test("2025-03-26: a session is its user's own, and a batch is answered", async (t) => {
  const { asked, gateway, upstreams } = await startFleet(t, { prod: { sessionId: 'up' }, dev: {} })
  const begun = await askFleet(asked, initialize)
  assert.equal(begun.message.result?.['protocolVersion'], '2025-03-26')
  const session = begun.headers.get('mcp-session-id') ?? ''
  assert.notEqual(session, '')
  assert.doesNotMatch(session, /^up/)
  const headers = { 'mcp-session-id': session }
  const own = { ...asked, headers }
  assert.notEqual((await callFleet(own, 'pods_list', { cluster: 'prod' })).isError, true)
  const bob = { ...own, token: await gateway.entra.mint({ person: 'bob' }) }
  assert.equal((await askFleet(bob, call({ cluster: 'prod' }))).status, 404)
  const altered = { ...own, headers: { 'mcp-session-id': `${session.slice(0, -2)}xx` } }
  assert.equal((await askFleet(altered, call({ cluster: 'prod' }))).status, 404)
  const bearers = Object.values(upstreams).flatMap(({ received }) =>
    received.map((one) => one.headers.authorization),
  )
  assert.deepEqual([...new Set(bearers)], [`Bearer ${asked.token}`])
  const batch = await send(asked.url, {
    method: 'POST',
    headers: [
      ['Authorization', `Bearer ${asked.token}`],
      ['Content-Type', 'application/json'],
      ['Accept', 'application/json, text/event-stream'],
      ['Mcp-Session-Id', session],
    ],
    body: JSON.stringify([
      rpc('ping', {}, 'a'),
      rpc('tools/call', { name: 'pods_list', arguments: { cluster: 'dev' } }, 'b'),
      rpc('tools/call', { name: 'pods_list', arguments: { cluster: 'nowhere' } }, 'c'),
    ]),
  })
  assert.equal(batch.status, 200, batch.text)
  for (const id of ['a', 'b', 'c']) assert.match(batch.text, new RegExp(`"id":"${id}"`))
  assert.match(batch.text, /no cluster \\"nowhere\\"/)
})

test("a tool's own cluster makes ours rolecall_cluster, for every tool", async (t) => {
  const own = tool('kind_load', {
    ...READS,
    inputSchema: { type: 'object', properties: { cluster: { type: 'string' } } },
  })
  const { asked, upstreams } = await startFleet(t, { prod: { list: listing(own) }, dev: {} })
  // A replica that has not seen the tool yet takes the long name as ours, too.
  const both = { rolecall_cluster: 'prod', cluster: 'kind' }
  assert.notEqual((await callFleet(asked, 'kind_load', both)).isError, true)
  const sent = upstreams['prod']?.received.find((one) => bodyOf(one).method === 'tools/call')
  assert.deepEqual(sent && bodyOf(sent).params?.['arguments'], { cluster: 'kind' })
  const { message } = await askFleet(asked, rpc('tools/list'))
  const tools = message.result?.['tools'] as { inputSchema: { required?: string[] } }[]
  assert.deepEqual(
    tools.map(({ inputSchema: { required } }) => required),
    [undefined, ['rolecall_cluster'], ['rolecall_cluster'], ['rolecall_cluster']],
  )
  const short = await callFleet(asked, 'pods_list', { cluster: 'dev' })
  assert.match(textsOf(short)[0] ?? '', /Name a cluster in "rolecall_cluster"/)
})

test('clusters_from is filled in by rolecall, is not shown, and no call may bring it', async (t) => {
  const own = tool('pods_list', {
    ...READS,
    inputSchema: {
      type: 'object',
      properties: { cluster: { type: 'string' }, namespace: { type: 'string' } },
      required: ['cluster'],
    },
  })
  const { asked, upstreams } = await startFleet(
    t,
    { prod: { list: listing(own) }, dev: { list: listing(own) } },
    { clusters_from: 'cluster' },
  )
  const { message } = await askFleet(asked, rpc('tools/list'))
  const tools = message.result?.['tools'] as { inputSchema: { properties?: object } }[]
  assert.deepEqual(Object.keys(tools[1]?.inputSchema.properties ?? {}), ['cluster', 'namespace'])
  await callFleet(asked, 'pods_list', { cluster: 'dev', namespace: 'x' })
  const sent = upstreams['dev']?.received.find((one) => bodyOf(one).method === 'tools/call')
  assert.deepEqual(sent && bodyOf(sent).params?.['arguments'], { namespace: 'x', cluster: 'dev' })
  const twice = await callFleet(asked, 'pods_list', { rolecall_cluster: 'dev', cluster: 'prod' })
  assert.match(textsOf(twice)[0] ?? '', /leave out "cluster"/)
})

test('rules in shadow mode let pass, and the audit line of the cluster says what they decide', async (t) => {
  const allow = [{ tools: ['pods_list'], groups: [], clients: [] }]
  const { asked, gateway } = await startFleet(t, { prod: {} }, { allow, rules: 'shadow' })
  for (const name of ['pods_list', 'pods_delete']) {
    assert.notEqual((await callFleet(asked, name, { cluster: 'prod' })).isError, true)
  }
  assert.deepEqual(
    gateway.log
      .filter(({ kind }) => kind === 'audit')
      .map(({ tool: name, cluster, decision, shadow_decision: shadow }) => [
        name,
        cluster,
        decision,
        shadow,
      ]),
    [
      ['pods_list', 'prod', 'allow', 'allow'],
      ['pods_delete', 'prod', 'allow', 'refuse'],
    ],
  )
})
