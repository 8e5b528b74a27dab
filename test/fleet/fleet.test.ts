import assert from 'node:assert/strict'
import { test } from 'node:test'
import { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { type FleetCluster, startFleetCluster } from '../support/fleet-cluster.ts'
import { connectClient, startFleetGateway } from '../support/fleet-gateway.ts'

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
      mode,
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
      { type: 'text', text: '## prod\nprod all alice@contoso.test' },
      { type: 'text', text: '## dev\ndev all alice@contoso.test' },
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
