import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { DEFAULTS } from '../support/defaults.ts'
import { type FleetCluster, startFleetCluster } from '../support/fleet-cluster.ts'
import { connectClient, startFleetGateway } from '../support/fleet-gateway.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { bodyOf, followScript } from '../support/scripted-mcp.ts'

const READS = { readOnlyHint: true }

/** A server like kubernetes-mcp-server, that says who asks. */
function cluster(name: string) {
  return ({ bearer }: { readonly bearer: string }): McpServer => {
    const server = new McpServer({ name, version: '1.0.0' })
    server.registerTool(
      'pods_list',
      {
        description: 'Pods',
        inputSchema: z.object({ namespace: z.string().optional() }),
        annotations: READS,
      },
      ({ namespace }) => ({
        content: [{ type: 'text', text: `${name} ${namespace ?? 'all'} ${userOf(bearer)}` }],
      }),
    )
    server.registerTool(
      'pods_delete',
      { description: 'Deletes', inputSchema: z.object({ name: z.string() }) },
      () => ({ content: [{ type: 'text', text: `${name} deleted` }] }),
    )
    return server
  }
}

function userOf(bearer: string): string {
  const payload = bearer.split('.')[1] ?? ''
  return String(JSON.parse(Buffer.from(payload, 'base64url').toString())['upn'])
}

for (const mode of ['auto', 'legacy'] as const) {
  test(`one endpoint serves several clusters, each as the user (${mode})`, async (t) => {
    const clusters: Record<string, FleetCluster> = {}
    for (const name of ['prod', 'dev']) clusters[name] = await startFleetCluster(t, cluster(name))
    const gateway = await startFleetGateway(
      t,
      Object.entries(clusters).map(([name, { url }]) => ({ name, upstream: url })),
    )
    const client = await connectClient(
      t,
      gateway.fleetUrl,
      await gateway.entra.mint({ person: 'alice' }),
      { mode },
    )
    const { tools } = await client.listTools()
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['clusters_list', 'pods_delete', 'pods_list'],
    )
    assert.deepEqual(tools[2]?.inputSchema.required, ['cluster'])
    const one = await client.callTool({ name: 'pods_list', arguments: { cluster: 'dev' } })
    assert.deepEqual(one.content, [{ type: 'text', text: 'dev all alice@contoso.test' }])
    const all = await client.callTool({ name: 'pods_list', arguments: { cluster: '*' } })
    assert.deepEqual(all.content, [
      { type: 'text', text: '## prod\nprod all alice@contoso.test\n' },
      { type: 'text', text: '## dev\ndev all alice@contoso.test\n' },
      { type: 'text', text: '2 of 2 clusters answered.' },
    ])
    const write = await client.callTool({
      name: 'pods_delete',
      arguments: { cluster: '*', name: 'x' },
    })
    assert.equal(write.isError, true)
    assert.match(JSON.stringify(write.content), /one cluster at a time/)
    assert.match(client.getInstructions() ?? '', /^2 Kubernetes clusters.*\n- prod\n- dev\n/)
    const lines = gateway.log.filter(({ kind }) => kind === 'audit')
    assert.deepEqual(
      lines.map(({ tool, cluster, decision, reason }) => [tool, cluster, decision, reason]),
      [
        ['pods_list', 'dev', 'allow', undefined],
        ['pods_list', 'prod', 'allow', undefined],
        ['pods_list', 'dev', 'allow', undefined],
        ['pods_delete', undefined, 'refuse', 'not_for_many_clusters'],
      ],
    )
    const list = await client.callTool({ name: 'clusters_list', arguments: {} })
    assert.match(JSON.stringify(list.content), /- prod: reachable, you are alice@contoso\.test/)
    const token = await gateway.entra.mint({ person: 'alice' })
    assert.equal(Object.values(clusters).flatMap(({ bearers }) => bearers).length > 4, true)
    for (const { bearers } of Object.values(clusters)) {
      assert.deepEqual(
        new Set(bearers.map((bearer) => userOf(bearer ?? ''))),
        new Set([userOf(token)]),
      )
    }
  })
}

/** A raw call to the fleet, as of a client with a session-less revision. */
async function rawCall(
  { fleetUrl }: { readonly fleetUrl: string },
  token: string,
  params: Readonly<Record<string, unknown>>,
): Promise<Response> {
  return fetch(fleetUrl, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  })
}

test('a client that leaves while its body is read takes its place with it', async (t) => {
  const { url } = await startFleetCluster(t, cluster('prod'))
  const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: url }], {
    config: { limits: { ...DEFAULTS.limits, calls_per_user: 2 } },
  })
  const token = await gateway.entra.mint({ person: 'alice' })
  for (let delay = 0; delay < 12; delay += 1) {
    await leaveAfterSending({ url: gateway.fleetUrl, token, delay })
  }
  await until(() => gateway.log.filter(({ kind }) => kind === 'request').length === 12)
  // As long as theirs, so that it is read when theirs have been.
  const answer = await rawCall(gateway, token, longCall)
  assert.equal(answer.status, 200)
  assert.match(await answer.text(), /prod all alice/)
})

const longCall = {
  name: 'pods_list',
  arguments: { cluster: 'prod', pad: 'x'.repeat(3_000_000) },
}

/** Sends a long call as a whole, and leaves while it is read. @param delay milliseconds */
async function leaveAfterSending(call: {
  readonly url: string
  readonly token: string
  readonly delay: number
}): Promise<void> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: longCall })
  const request = httpRequest(call.url, {
    method: 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${call.token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'content-length': body.length,
    },
  })
  const left = new Promise((resolve) => request.on('error', resolve))
  request.end(body, () => setTimeout(() => request.destroy(), call.delay))
  await left
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i += 1) await wait(10)
  assert.ok(holds())
}

test('one call too many is told inside MCP, with its audit line', async (t) => {
  let release = (): void => undefined
  const held = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined)
  })
  const { url, bearers } = await startFleetCluster(t, cluster('prod'), () => held)
  const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: url }], {
    config: { limits: { ...DEFAULTS.limits, calls_per_user: 1 } },
  })
  const token = await gateway.entra.mint({ person: 'alice' })
  const params = { name: 'pods_list', arguments: { cluster: 'prod' } }
  const first = rawCall(gateway, token, params)
  await until(() => bearers.length > 0)
  const second = await rawCall(gateway, token, params)
  assert.equal(second.status, 200)
  const { result } = (await second.json()) as { result: { isError: boolean } }
  assert.equal(result.isError, true)
  assert.match(JSON.stringify(result), /calls_per_user/)
  const line = await gateway.logged(({ kind, reason }) => kind === 'audit' && reason !== undefined)
  assert.deepEqual([line['decision'], line['reason']], ['refuse', 'too_many_calls'])
  release()
  assert.match(await (await first).text(), /prod all alice/)
})

test('a member that keeps the token of a session has a session for each token', async (t) => {
  const upstream = await startUpstream(t)
  const serverInfo = { name: 'argocd-mcp', version: '1.0.0' }
  const capabilities = { tools: {} }
  const initialize = { result: { protocolVersion: '2025-06-18', capabilities, serverInfo } }
  followScript(upstream, { sessionId: 'one', initialize })
  const gateway = await startFleetGateway(t, [
    { name: 'prod', upstream: upstream.url, upstream_token_header: 'x-argocd-api-token' },
  ])
  for (let i = 0; i < 2; i += 1) {
    const token = await gateway.entra.mint({ person: 'alice' })
    const call = { name: 'namespaces_list', arguments: { cluster: 'prod' } }
    assert.match(await (await rawCall(gateway, token, call)).text(), /NAMESPACE NAME/)
  }
  const opened = upstream.received.filter((one) => bodyOf(one).method === 'initialize')
  assert.equal(opened.length, 2)
})

test('an audit line does not grow with the name of a tool', async (t) => {
  const { url } = await startFleetCluster(t, cluster('prod'))
  const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: url }])
  const token = await gateway.entra.mint({ person: 'alice' })
  for (const name of ['prod', 'elsewhere']) {
    await rawCall(gateway, token, { name: 'x'.repeat(100_000), arguments: { cluster: name } })
  }
  const tools = gateway.log.filter(({ kind }) => kind === 'audit').map(({ tool }) => tool)
  assert.deepEqual(tools, ['x'.repeat(200), 'x'.repeat(200)])
})
