import assert from 'node:assert/strict'
import { test } from 'node:test'
import { McpServer as SessionServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { LOG_LEVEL_META_KEY, McpServer } from '@modelcontextprotocol/server'
import { startFleetCluster } from '../../support/fleet-cluster.ts'
import { connectClient, startFleetGateway } from '../../support/fleet-gateway.ts'
import { startSessionCluster } from '../../support/session-cluster.ts'

const LOGS = { capabilities: { logging: {} } }
const DONE = {
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'x' } }],
}
const HALF = { progress: 1, total: 2, message: 'half' }

/** Both log at two levels, and tell how far they are, before they give their prompt. */
function newer(): McpServer {
  const server = new McpServer({ name: 'newer', version: '2' }, LOGS)
  server.registerPrompt('check', {}, async ({ mcpReq }) => {
    await mcpReq.log('debug', 'a detail')
    await mcpReq.log('error', 'a fault', 'kubectl')
    const progressToken = mcpReq._meta?.progressToken
    if (progressToken !== undefined) {
      const params = { progressToken, ...HALF }
      await mcpReq.notify({ method: 'notifications/progress', params })
    }
    return DONE
  })
  return server
}

function earlier(): SessionServer {
  const server = new SessionServer({ name: 'earlier', version: '1' }, LOGS)
  server.registerPrompt('check', {}, async ({ _meta, sendNotification }) => {
    const fault = { level: 'error', data: 'a fault', logger: 'kubectl' } as const
    await sendNotification({ method: 'notifications/message', params: fault })
    const progressToken = _meta?.progressToken
    if (progressToken !== undefined) {
      const params = { progressToken, ...HALF }
      await sendNotification({ method: 'notifications/progress', params })
    }
    return DONE
  })
  return server
}

for (const mode of ['auto', 'legacy'] as const) {
  test(`what a cluster says while it makes a prompt reaches its client (${mode})`, async (t) => {
    const gateway = await startFleetGateway(t, [
      { name: 'newer', upstream: (await startFleetCluster(t, newer)).url },
      { name: 'earlier', upstream: (await startSessionCluster(t, earlier)).url },
    ])
    const token = await gateway.entra.mint({ person: 'alice' })
    const messages: unknown[] = []
    const client = await connectClient(t, gateway.fleetUrl, token, {
      mode,
      prepare: (one) =>
        one.setNotificationHandler('notifications/message', ({ params }) => {
          messages.push([params.level, params.logger, params.data])
        }),
    })
    if (mode === 'legacy') await client.setLoggingLevel('warning')
    const steps: unknown[] = []
    for (const cluster of ['newer', 'earlier']) {
      const _meta = mode === 'auto' ? { _meta: { [LOG_LEVEL_META_KEY]: 'warning' } } : {}
      const onprogress = (step: unknown) => void steps.push(step)
      await client.getPrompt({ name: 'check', arguments: { cluster }, ..._meta }, { onprogress })
    }
    assert.deepEqual(messages, [
      ['error', 'newer: kubectl', 'a fault'],
      ['error', 'earlier: kubectl', 'a fault'],
    ])
    assert.deepEqual(steps, [HALF, HALF])
  })
}
