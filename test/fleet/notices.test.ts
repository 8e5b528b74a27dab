import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from '@modelcontextprotocol/client'
import { McpServer as SessionServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { LOG_LEVEL_META_KEY, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { startFleetCluster } from '../support/fleet-cluster.ts'
import { connectClient, startFleetGateway } from '../support/fleet-gateway.ts'
import { startSessionCluster } from '../support/session-cluster.ts'

const READS = { readOnlyHint: true }
const DONE = { content: [{ type: 'text' as const, text: 'done' }] }

/** What a cluster was asked, and how its calls ended. */
interface Seen {
  cancelled: number
  hanging: number
}

async function hang(signal: AbortSignal, seen: Seen): Promise<typeof DONE> {
  seen.hanging += 1
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  seen.cancelled += 1
  return DONE
}

/** Says something at two levels, tells its progress, or hangs until it is cancelled. */
function newer(seen: Seen): McpServer {
  const server = new McpServer({ name: 'newer', version: '2' }, { capabilities: { logging: {} } })
  const definition = { inputSchema: z.object({}), annotations: READS }
  server.registerTool('log', definition, async (_given, { mcpReq }) => {
    await mcpReq.log('debug', 'a detail')
    await mcpReq.log('error', { what: 'a fault' }, 'kubectl')
    return DONE
  })
  server.registerTool('step', definition, async (_given, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken
    if (progressToken === undefined) return DONE
    const params = { progressToken, progress: 1, total: 2, message: 'half' }
    await mcpReq.notify({ method: 'notifications/progress', params })
    return DONE
  })
  server.registerTool('hang', definition, (_given, { mcpReq }) => hang(mcpReq.signal, seen))
  return server
}

function earlier(seen: Seen): SessionServer {
  const server = new SessionServer(
    { name: 'earlier', version: '1' },
    { capabilities: { logging: {} } },
  )
  const definition = { inputSchema: {}, annotations: READS }
  server.registerTool('log', definition, async (_given, { sendNotification }) => {
    for (const params of [
      { level: 'debug', data: 'a detail' },
      { level: 'error', data: { what: 'a fault' }, logger: 'kubectl' },
    ] as const) {
      await sendNotification({ method: 'notifications/message', params })
    }
    return DONE
  })
  server.registerTool('step', definition, async (_given, { _meta, sendNotification }) => {
    const progressToken = _meta?.progressToken
    if (progressToken === undefined) return DONE
    const params = { progressToken, progress: 1, total: 2, message: 'half' }
    await sendNotification({ method: 'notifications/progress', params })
    return DONE
  })
  server.registerTool('hang', definition, (_given, { signal }) => hang(signal, seen))
  return server
}

async function startBoth(t: TestContext, mode: 'auto' | 'legacy') {
  const seen = { newer: { cancelled: 0, hanging: 0 }, earlier: { cancelled: 0, hanging: 0 } }
  const one = await startFleetCluster(t, () => newer(seen.newer))
  const other = await startSessionCluster(t, () => earlier(seen.earlier))
  const gateway = await startFleetGateway(t, [
    { name: 'newer', upstream: one.url },
    { name: 'earlier', upstream: other.url },
  ])
  const token = await gateway.entra.mint({ person: 'alice' })
  const messages: unknown[] = []
  const hear = (heard: Client) =>
    heard.setNotificationHandler('notifications/message', ({ params }) => {
      messages.push([params.level, params.logger, params.data])
    })
  const client = await connectClient(t, gateway.fleetUrl, token, { mode, prepare: hear })
  return { seen, client, messages, earlier: other, gateway, token }
}

const calling = (name: string, cluster: string, level?: string) => ({
  name,
  arguments: { cluster },
  ...(level !== undefined && { _meta: { [LOG_LEVEL_META_KEY]: level } }),
})

for (const mode of ['auto', 'legacy'] as const) {
  test(`log messages say which cluster's they are, from the level that was asked for (${mode})`, async (t) => {
    const { client, messages, earlier: cluster } = await startBoth(t, mode)
    if (mode === 'legacy') await client.setLoggingLevel('warning')
    const level = mode === 'auto' ? 'warning' : undefined
    await client.callTool(calling('log', 'newer', level))
    await client.callTool(calling('log', 'earlier', level))
    const fault = (name: string) => ['error', `${name}: kubectl`, { what: 'a fault' }]
    assert.deepEqual(messages.splice(0), [fault('newer'), fault('earlier')])
    await client.callTool(calling('log', '*', level))
    assert.deepEqual(messages.splice(0).toSorted(), [fault('earlier'), fault('newer')])
    // The session at the cluster is asked once.
    assert.equal(cluster.requests.filter(({ rpc }) => rpc === 'logging/setLevel').length, 1)
    if (mode === 'legacy') await client.setLoggingLevel('debug')
    await client.callTool(calling('log', 'earlier', mode === 'auto' ? 'debug' : undefined))
    assert.deepEqual(messages, [['debug', 'earlier', 'a detail'], fault('earlier')])
    assert.equal(cluster.requests.filter(({ rpc }) => rpc === 'logging/setLevel').length, 2)
  })

  test(`a call is cancelled where it went, alone and at many (${mode})`, async (t) => {
    const { client, seen } = await startBoth(t, mode)
    const all = () => [seen.newer, seen.earlier]
    for (const [cluster, hanging] of [
      ['newer', [1, 0]],
      ['earlier', [1, 1]],
      ['*', [2, 2]],
    ] as const) {
      const leaving = new AbortController()
      const call = client.callTool(calling('hang', cluster), { signal: leaving.signal })
      call.catch(() => undefined)
      await until(() => all().every((one, index) => one.hanging === hanging[index]))
      assert.ok(all().some((one) => one.cancelled < one.hanging))
      leaving.abort()
      await assert.rejects(call)
      await until(() => all().every((one) => one.cancelled === one.hanging))
    }
    // Nothing of them is left under way.
    assert.deepEqual((await client.callTool(calling('step', 'newer'))).content, DONE.content)
  })

  test(`progress is the cluster's own, and of many says which is done (${mode})`, async (t) => {
    const { client } = await startBoth(t, mode)
    const steps: unknown[] = []
    const onprogress = (step: unknown) => void steps.push(step)
    for (const cluster of ['newer', 'earlier']) {
      await client.callTool(calling('step', cluster), { onprogress })
    }
    const half = { progress: 1, total: 2, message: 'half' }
    assert.deepEqual(steps.splice(0), [half, half])
    await client.callTool(calling('step', '*'), { onprogress })
    const names = steps.map((step) => (step as { message: string }).message)
    assert.deepEqual(names.toSorted(), ['earlier', 'newer'])
    assert.deepEqual(
      steps.map((step) => (step as { progress: number }).progress),
      [1, 2],
    )
  })
}

test('a client of 2026-07-28 that names no level is sent no messages', async (t) => {
  const { client, messages } = await startBoth(t, 'auto')
  for (const cluster of ['newer', 'earlier', '*']) await client.callTool(calling('log', cluster))
  assert.deepEqual(messages, [])
})

test("a level is one session's own", async (t) => {
  const { client, messages, gateway, token } = await startBoth(t, 'legacy')
  const other = await connectClient(t, gateway.fleetUrl, token, { mode: 'legacy' })
  await other.setLoggingLevel('emergency')
  await client.callTool(calling('log', 'earlier'))
  assert.equal(messages.length, 2)
})

test("nobody cancels another session's call", async (t) => {
  const { client, seen, gateway, token } = await startBoth(t, 'legacy')
  const other = await connectClient(t, gateway.fleetUrl, token, { mode: 'legacy' })
  const leaving = new AbortController()
  const call = client.callTool(calling('hang', 'newer'), { signal: leaving.signal })
  call.catch(() => undefined)
  await until(() => seen.newer.hanging === 1)
  for (let requestId = 0; requestId < 5; requestId += 1) {
    await other.notification({ method: 'notifications/cancelled', params: { requestId } })
  }
  await wait(50)
  assert.equal(seen.newer.cancelled, 0)
  leaving.abort()
  await until(() => seen.newer.cancelled === 1)
})

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i += 1) await wait(10)
  assert.ok(holds())
}
