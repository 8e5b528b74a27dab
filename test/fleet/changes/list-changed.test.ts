import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from '@modelcontextprotocol/client'
import { McpServer as SessionServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer } from '@modelcontextprotocol/server'
import type { ResourceConfig } from '../../../src/config/config.ts'
import { fleetConfig } from '../../../src/config/rules/fleet.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { DEFAULTS } from '../../support/defaults.ts'
import { startFleetCluster } from '../../support/fleet-cluster.ts'
import { connectClient, startFleetGateway } from '../../support/fleet-gateway.ts'
import { resourceConfig } from '../../support/gateway.ts'
import { startSessionCluster } from '../../support/session-cluster.ts'

const DONE = { content: [{ type: 'text' as const, text: 'done' }] }
const READS = { readOnlyHint: true }

/** Clusters whose tools change when a test says so. */
async function startBoth(t: TestContext, streamsPerUser = 64) {
  const names = { newer: ['a'], earlier: ['a'] }
  const newer = await startFleetCluster(t, () => {
    const server = new McpServer({ name: 'newer', version: '2' })
    for (const name of names.newer) server.registerTool(name, { annotations: READS }, () => DONE)
    return server
  })
  const earlier = await startSessionCluster(t, () => {
    const server = new SessionServer({ name: 'earlier', version: '1' })
    for (const name of names.earlier) server.registerTool(name, { annotations: READS }, () => DONE)
    return server
  })
  const clock = new SimulatedClock(Date.now())
  const gateway = await startFleetGateway(
    t,
    [
      { name: 'newer', upstream: newer.url },
      { name: 'earlier', upstream: earlier.url },
    ],
    {
      clock,
      config: { limits: { ...DEFAULTS.limits, streams_per_user: streamsPerUser } },
    },
  )
  return { names, newer, earlier, gateway, clock }
}

type Started = Awaited<ReturnType<typeof startBoth>>

/** A client with a stream for changes, and how often it was told of one. */
async function startClient(
  t: TestContext,
  { gateway }: Pick<Started, 'gateway'>,
  mode: 'auto' | 'legacy',
  person: 'alice' | 'bob' = 'alice',
): Promise<{ client: Client; told: () => number }> {
  let told = 0
  const token = await gateway.entra.mint({ person, lifetime: 7200 })
  const client = await connectClient(t, gateway.fleetUrl, token, {
    mode,
    prepare: (one) =>
      one.setNotificationHandler('notifications/tools/list_changed', () => {
        told += 1
      }),
  })
  if (mode === 'auto') await client.listen({ toolsListChanged: true })
  return { client, told: () => told }
}

const use = (client: Client, cluster: string) =>
  client.callTool({ name: 'a', arguments: { cluster } })

for (const mode of ['auto', 'legacy'] as const) {
  test(`a cluster that a client has used tells its change to that client (${mode})`, async (t) => {
    const started = await startBoth(t)
    const { names, earlier, clock } = started
    const alice = await startClient(t, started, mode)
    const bob = await startClient(t, started, mode, 'bob')
    await use(bob.client, 'newer')
    await alice.client.listTools()
    await wait(50)
    assert.equal(earlier.streams(), 0, 'a list uses no cluster')
    await use(alice.client, 'earlier')
    await until(() => earlier.streams() === 1)
    const streaming = earlier.requests.findLast(({ method }) => method === 'GET')
    assert.match(streaming?.bearer ?? '', /^Bearer /)
    const used = earlier.sessions.get(streaming?.session ?? '')
    assert.ok(used)
    names.earlier.push('b')
    used.registerTool('b', { annotations: READS }, () => DONE)
    await until(() => alice.told() === 1)
    const { tools } = await alice.client.listTools(undefined, { cacheMode: 'refresh' })
    assert.ok(tools.some(({ name }) => name === 'b'))
    // More of them within five seconds are one.
    for (const name of ['c', 'd', 'e']) used.registerTool(name, { annotations: READS }, () => DONE)
    await wait(100)
    assert.equal(alice.told(), 1)
    await clock.advance(5_001)
    await until(() => alice.told() === 2)
    await clock.advance(5_001)
    await wait(50)
    assert.equal(alice.told(), 2)
    assert.equal(bob.told(), 0)
    // What was opened at the cluster ends with the client.
    await alice.client.close()
    await until(() => earlier.streams() === 0)
  })
}

test('a cluster of 2026-07-28 is heard too', async (t) => {
  const started = await startBoth(t)
  const { newer } = started
  const alice = await startClient(t, started, 'auto')
  await use(alice.client, 'newer')
  await until(() => newer.subscriptions() === 1)
  newer.toolsChanged()
  await until(() => alice.told() === 1)
  await alice.client.close()
  await until(() => newer.subscriptions() === 0)
})

test('other tools in a list are told to the streams of that user, and to nobody else', async (t) => {
  const started = await startBoth(t)
  const { names, clock } = started
  const first = await startClient(t, started, 'legacy')
  const second = await startClient(t, started, 'auto')
  const bob = await startClient(t, started, 'legacy', 'bob')
  for (const { client } of [first, second, bob]) await client.listTools()
  names.newer.push('b')
  await clock.advance(61_000)
  await first.client.listTools(undefined, { cacheMode: 'refresh' })
  await until(() => first.told() === 1 && second.told() === 1)
  await wait(50)
  assert.equal(bob.told(), 0)
})

for (const mode of ['auto', 'legacy'] as const) {
  test(`a reload that adds a cluster is told on the stream, which outlives it (${mode})`, async (t) => {
    const started = await startBoth(t)
    const { gateway, clock, newer, earlier } = started
    const alice = await startClient(t, started, mode)
    await use(alice.client, 'earlier')
    await until(() => earlier.streams() === 1)
    await reload(started, gateway.config.resources)
    await wait(100)
    assert.equal(alice.told(), 0, 'nothing has changed')
    const added = memberAt('added', newer)
    await reload(started, [...gateway.config.resources, added])
    await until(() => alice.told() === 1)
    assert.match(
      JSON.stringify(await alice.client.listTools(undefined, { cacheMode: 'refresh' })),
      /added/,
    )
    // One that alice may not use is no change of hers.
    await clock.advance(5_001)
    const hidden = { ...memberAt('hidden', newer), required_groups: ['nobodys'] }
    await reload(started, [...gateway.config.resources, added, hidden])
    await wait(100)
    assert.equal(alice.told(), 1)
    // Heard still, in the new configuration, once its stream there is another.
    await wait(700)
    await until(() => earlier.streams() === 1)
    const streaming = earlier.requests.findLast(({ method }) => method === 'GET')
    earlier.sessions
      .get(streaming?.session ?? '')
      ?.registerTool('z', { annotations: READS }, () => DONE)
    await until(() => alice.told() === 2)
  })
}

test('streams are bounded for each user, and end with their token', async (t) => {
  const started = await startBoth(t, 1)
  const { gateway, clock, earlier } = started
  const alice = await startClient(t, started, 'legacy')
  await use(alice.client, 'earlier')
  await until(() => earlier.streams() === 1)
  const other = await startClient(t, started, 'legacy')
  await wait(50)
  await use(other.client, 'earlier')
  await wait(100)
  assert.equal(earlier.streams(), 1, 'no stream of the client, none at the cluster')
  const refused = await gateway.logged(({ status }) => status === 429)
  assert.equal(refused['http_method'], 'GET')
  await clock.advance(7_200_000)
  await until(() => earlier.streams() === 0)
})

function memberAt(name: string, { url }: { readonly url: string }): ResourceConfig {
  return resourceConfig(url, { name, path: `/c/${name}/mcp` })
}

async function reload({ gateway }: Pick<Started, 'gateway'>, resources: readonly ResourceConfig[]) {
  const fleet = fleetConfig({ path: '/fleet/mcp', resources: ['*'], fan_out: true }, resources)
  await gateway.service.reload({ ...gateway.config, resources, ...(fleet && { fleet }) })
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i += 1) await wait(10)
  assert.ok(holds())
}
