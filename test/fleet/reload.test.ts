import assert from 'node:assert/strict'
import { test } from 'node:test'
import { McpServer } from '@modelcontextprotocol/server'
import type { ResourceConfig } from '../../src/config/config.ts'
import { fleetConfig } from '../../src/config/rules/fleet.ts'
import { askFleet, callFleet, rpc, scriptOf, textsOf } from '../support/fleet-calls.ts'
import { startFleetCluster } from '../support/fleet-cluster.ts'
import { connectClient, startFleetGateway } from '../support/fleet-gateway.ts'
import { resourceConfig } from '../support/gateway.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { followScript } from '../support/scripted-mcp.ts'

const BEGIN = rpc('initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'x', version: '1' },
})

test('a cluster added by reload appears, one removed is a tool error, and the session holds', async (t) => {
  const names = ['prod', 'dev', 'new']
  const resources: ResourceConfig[] = []
  for (const name of names) {
    const upstream = await startUpstream(t)
    followScript(upstream, scriptOf({ sessionId: name }))
    resources.push(resourceConfig(upstream.url, { name, path: `/c/${name}/mcp` }))
  }
  const [prod, dev, added] = resources
  assert.ok(prod && dev && added)
  const gateway = await startFleetGateway(t, [prod, dev])
  const token = await gateway.entra.mint({ person: 'alice' })
  const begun = await askFleet({ url: gateway.fleetUrl, token }, BEGIN)
  const headers = { 'mcp-session-id': begun.headers.get('mcp-session-id') ?? '' }
  const asked = { url: gateway.fleetUrl, token, headers }
  const at = async (cluster: string) => callFleet(asked, 'pods_list', { cluster })
  assert.notEqual((await at('dev')).isError, true)
  assert.match(textsOf(await at('new'))[0] ?? '', /no cluster "new".*: prod, dev\.$/)

  const now = [prod, added]
  const fleet = fleetConfig({ path: '/fleet/mcp', resources: ['*'], fan_out: true }, now)
  await gateway.service.reload({ ...gateway.config, resources: now, ...(fleet && { fleet }) })
  assert.notEqual((await at('new')).isError, true)
  assert.notEqual((await at('prod')).isError, true)
  const gone = await at('dev')
  assert.equal(gone.isError, true)
  assert.match(textsOf(gone)[0] ?? '', /no cluster "dev" for you\. Your clusters: prod, new\./)
  const { message } = await askFleet(asked, rpc('tools/list'))
  assert.match(JSON.stringify(message.result), /"enum":\["prod","new","\*"\]/)
})

for (const mode of ['auto', 'legacy'] as const) {
  test(`a call whose answer has begun is not cut by a reload (${mode})`, async (t) => {
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const cluster = await startFleetCluster(t, () => {
      const server = new McpServer({ name: 'x', version: '1' })
      server.registerTool('slow', {}, async ({ mcpReq }) => {
        const progressToken = mcpReq._meta?.progressToken ?? 0
        await mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress: 1 },
        })
        await released
        return { content: [{ type: 'text', text: 'late' }] }
      })
      return server
    })
    const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: cluster.url }])
    const token = await gateway.entra.mint({ person: 'alice' })
    const client = await connectClient(t, gateway.fleetUrl, token, { mode })
    let isBegun = (): void => undefined
    const begun = new Promise<void>((resolve) => {
      isBegun = resolve
    })
    const call = client.callTool(
      { name: 'slow', arguments: { cluster: 'prod' } },
      { onprogress: () => isBegun() },
    )
    await begun
    await gateway.service.reload({ ...gateway.config, log_level: 'debug' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    release()
    assert.deepEqual((await call).content, [{ type: 'text', text: 'late' }])
  })
}
