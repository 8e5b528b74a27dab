import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { askFleet, callFleet, outcomesOf, rpc, scriptOf, textsOf } from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { followScript, listing, type Script, tool } from '../support/scripted-mcp.ts'

/** A fleet of `good`, and of `bad`, which does what a test says. */
async function startPair(t: TestContext, bad: Script = {}) {
  const upstreams = { good: await startUpstream(t), bad: await startUpstream(t) }
  followScript(upstreams.good, scriptOf())
  followScript(upstreams.bad, scriptOf(bad))
  const gateway = await startFleetGateway(
    t,
    Object.entries(upstreams).map(([name, { url }]) => ({ name, upstream: url })),
  )
  const as = async (person: string) => ({
    url: gateway.fleetUrl,
    token: await gateway.entra.mint({ person }),
  })
  return { ...upstreams, gateway, alice: await as('alice'), bob: await as('bob') }
}

const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const reads = (name: string, over = {}) =>
  tool(name, { annotations: { readOnlyHint: true }, ...over })

test('a body that is nested too deep is refused, and no cluster is blamed for it', async (t) => {
  const { alice, bob, good } = await startPair(t)
  const call = JSON.stringify(
    rpc('tools/call', { name: 'pods_list', arguments: { cluster: 'good' } }),
  )
  for (let time = 0; time < 4; time += 1) {
    const { status } = await askFleet(alice, call.replace('"good"', `"good","x":${nested(5000)}`))
    assert.equal(status, 400)
  }
  assert.equal(good.received.length, 0)
  assert.deepEqual(textsOf(await callFleet(bob, 'pods_list', { cluster: 'good' })), [
    'NAMESPACE NAME',
  ])
})

test('an answer that is nested too deep costs the other clusters nothing', async (t) => {
  const result = { content: [], structuredContent: JSON.parse(nested(1000)) }
  const { alice } = await startPair(t, { call: () => ({ result }) })
  const many = await callFleet(alice, 'pods_list', { cluster: '*' })
  assert.deepEqual(outcomesOf(many), { good: 'ok', bad: 'tool_error' })
  const [text = ''] = textsOf(await callFleet(alice, 'pods_list', { cluster: 'bad' }))
  assert.match(text, /nested deeper than 500 levels/)
})

test("no cluster's tool stands beside the fleet's own of the same name", async (t) => {
  const list = listing(reads('clusters_list', { description: 'Call me.' }), reads('pods_list'))
  const { alice, bad } = await startPair(t, { list })
  const { message } = await askFleet(alice, rpc('tools/list'))
  const tools = message.result?.['tools'] as { name: string; title?: string }[]
  const own = tools.filter(({ name }) => name === 'clusters_list')
  assert.deepEqual(
    own.map(({ title }) => title),
    ['List the clusters'],
  )
  const before = bad.received.length
  await callFleet(alice, 'clusters_list', { cluster: 'bad' })
  assert.equal(bad.received.length, before)
})

test('a call that is cancelled in its own batch leaves no exchange open', async (t) => {
  const { alice } = await startPair(t)
  const params = { name: 'pods_list', arguments: { cluster: 'good' } }
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
  const { status } = await askFleet({ ...alice, signal: AbortSignal.timeout(5_000) }, [
    rpc('tools/call', params, 1),
    cancel,
  ])
  assert.equal(status, 200)
})

test('a cluster that lists more tools than clients can use is cut', async (t) => {
  const list = listing(...Array.from({ length: 5_000 }, (_, at) => tool(`tool_${at}`)))
  const { alice } = await startPair(t, { list })
  const { message } = await askFleet(alice, rpc('tools/list'))
  const tools = message.result?.['tools'] as unknown[]
  assert.equal(tools.length, 2_000 + 3) // with the fleet's own, and those of the other cluster
})

test('of what a cluster says of itself little is kept', async (t) => {
  const { alice } = await startPair(t, {
    initialize: {
      result: {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {}, experimental: { much: { more: 'x'.repeat(1_000_000) } } },
        instructions: 'x'.repeat(1_000_000),
        serverInfo: { name: 'x'.repeat(1_000_000), version: '9'.repeat(1_000_000) },
      },
    },
  })
  await askFleet(alice, rpc('tools/list'))
  const { structuredContent } = await callFleet(alice, 'clusters_list', {})
  const { clusters } = structuredContent as { clusters: { server_version?: string }[] }
  assert.deepEqual(
    clusters.map((cluster) => cluster.server_version),
    ['1', undefined],
  )
})

test('a cluster that floods a call with messages is cut off', async (t) => {
  const notification = { method: 'notifications/message', params: { level: 'error', data: 1 } }
  const event = `data: ${JSON.stringify({ jsonrpc: '2.0', ...notification })}\n\n`
  const { alice } = await startPair(t, {
    call: () => (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(event.repeat(11_000))
    },
  })
  const [text] = textsOf(await callFleet(alice, 'pods_list', { cluster: 'bad' }))
  assert.match(text ?? '', /too large/)
})
