import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Client } from '@modelcontextprotocol/client'
import { completable as sessionCompletable } from '@modelcontextprotocol/sdk/server/completable.js'
import { McpServer as SessionServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { completable, McpServer, ResourceTemplate } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { askFleet, rpc } from '../../support/fleet-calls.ts'
import { startFleetCluster } from '../../support/fleet-cluster.ts'
import {
  type ClusterSettings,
  connectClient,
  startFleetGateway,
} from '../../support/fleet-gateway.ts'
import { startSessionCluster } from '../../support/session-cluster.ts'

const NAMESPACES = ['team-a', 'team-b']
const begins = (value = '') => NAMESPACES.filter((one) => one.startsWith(value))

function saying(text: string) {
  const link = { type: 'resource_link' as const, uri: 'k8s://nodes', name: 'nodes' }
  return {
    messages: [
      { role: 'user' as const, content: { type: 'text' as const, text } },
      { role: 'assistant' as const, content: link },
    ],
  }
}

/** A stateless server of 2026-07-28. */
function statelessServer({ bearer }: { readonly bearer: string }): McpServer {
  const server = new McpServer({ name: 'stateless', version: '2' })
  const namespace = completable(z.string(), begins).optional()
  server.registerPrompt('check', { argsSchema: z.object({ namespace }) }, (given) =>
    saying(`${JSON.stringify(given)} as ${userOf(bearer)}`),
  )
  server.registerPrompt('drain', { argsSchema: z.object({ node: z.string() }) }, ({ node }) =>
    saying(`drain ${node}`),
  )
  const template = new ResourceTemplate('k8s://pods/{namespace}', {
    list: undefined,
    complete: { namespace: begins },
  })
  server.registerResource('pods', template, {}, () => ({ contents: [] }))
  return server
}

/** One of 2025-11-25 with sessions, whose prompt completes by what else is given. */
function sessionServer(): SessionServer {
  const server = new SessionServer({ name: 'sessions', version: '1' })
  server.registerPrompt('check', { argsSchema: { namespace: z.string().optional() } }, (given) =>
    saying(`${JSON.stringify(given)} in a session`),
  )
  const node = sessionCompletable(z.string(), (value, context) => {
    const given = Object.entries(context?.arguments ?? {}).map((one) => one.join('='))
    return [...given, `${value}-1`]
  })
  server.registerPrompt('drain', { argsSchema: { node, force: z.string() } }, () =>
    saying('drain by force'),
  )
  return server
}

function userOf(bearer: string): string {
  const payload = bearer.split('.')[1] ?? ''
  return String(JSON.parse(Buffer.from(payload, 'base64url').toString())['upn'])
}

async function startFleet(t: TestContext, away: readonly ClusterSettings[] = []) {
  const stateless = await startFleetCluster(t, statelessServer)
  const sessions = await startSessionCluster(t, sessionServer)
  const gateway = await startFleetGateway(t, [
    { name: 'prod', upstream: stateless.url, description: 'Europe' },
    { name: 'dev', upstream: sessions.url },
    ...away,
  ])
  const token = await gateway.entra.mint({ person: 'alice' })
  return { stateless, sessions, gateway, token }
}

const LOST = { name: 'lost', upstream: 'http://127.0.0.1:9/mcp' }

async function said(client: Client, name: string, given: Record<string, string>) {
  const { messages } = await client.getPrompt({ name, arguments: given })
  return messages.map(({ content }) => {
    if (content.type === 'text') return content.text
    return content.type === 'resource_link' ? content.uri : content.type
  })
}

for (const mode of ['auto', 'legacy'] as const) {
  test(`prompts keep their names, and each is of one cluster, as the user (${mode})`, async (t) => {
    const { stateless, sessions, gateway, token } = await startFleet(t, [LOST])
    const client = await connectClient(t, gateway.fleetUrl, token, { mode })
    const { prompts } = await client.listPrompts()
    assert.deepEqual(
      prompts.map(({ name, arguments: given = [] }) => [
        name,
        given[0],
        given.slice(1).map((one) => one.name),
      ]),
      [
        ['check', argument('prod (Europe); dev; lost'), ['namespace']],
        ['drain', argument('prod (Europe); lost'), ['node']],
      ],
    )
    const prod = await said(client, 'check', { cluster: 'prod', namespace: 'x' })
    assert.deepEqual(prod, [
      'Cluster: prod',
      '{"namespace":"x"} as alice@contoso.test',
      'rolecall://prod/k8s://nodes',
    ])
    const dev = await said(client, 'check', { cluster: 'dev' })
    assert.deepEqual(dev, ['Cluster: dev', '{} in a session', 'rolecall://dev/k8s://nodes'])
    const lines = gateway.log.filter(
      ({ kind, mcp_method: method }) => kind === 'request' && method === 'prompts/get',
    )
    assert.deepEqual(
      lines.map(({ cluster, outcome, acts_as: as }) => [cluster, outcome, as]),
      ['prod', 'dev'].map((cluster) => [cluster, 'ok', 'caller']),
    )
    const bearers = [...stateless.bearers, ...sessions.bearers]
    assert.deepEqual([...new Set(bearers)], [`Bearer ${token}`])
  })

  test(`a prompt that cannot be had is an error, and says what there is (${mode})`, async (t) => {
    const { gateway, token } = await startFleet(t, [LOST])
    const client = await connectClient(t, gateway.fleetUrl, token, { mode })
    type Row = readonly [name: string, given: Record<string, string>, code: number, words: RegExp]
    const rows: readonly Row[] = [
      ['check', {}, -32602, /Name a cluster in "cluster"\. Your clusters: prod, dev, lost\./],
      ['check', { cluster: 'x' }, -32602, /no cluster "x" for you\. Your clusters: prod, dev,/],
      ['check', { cluster: '*' }, -32602, /A prompt is for one cluster at a time: name it in/],
      ['top', { cluster: 'prod' }, -32602, /prod has no prompt "top"\. It has: check, drain\./],
      ['check', { cluster: 'lost' }, -32603, /lost: cannot be reached now/],
      ['drain', { cluster: 'prod' }, -32602, /prod: .*node/s],
    ]
    for (const [name, given, code, message] of rows) {
      await assert.rejects(client.getPrompt({ name, arguments: given }), { code, message })
    }
  })

  test(`arguments are completed by the cluster that is named, and the cluster here (${mode})`, async (t) => {
    const { sessions, gateway, token } = await startFleet(t, [LOST])
    const client = await connectClient(t, gateway.fleetUrl, token, { mode })
    await client.listPrompts()
    const asked = sessions.methods.length
    const complete = async (
      ref: Parameters<Client['complete']>[0]['ref'],
      [name, value]: readonly [string, string],
      given?: Record<string, string>,
    ) => {
      const context = given && { context: { arguments: given } }
      const answer = await client.complete({ ref, argument: { name, value }, ...context })
      return answer.completion.values
    }
    const check = { type: 'ref/prompt', name: 'check' } as const
    const drain = { type: 'ref/prompt', name: 'drain' } as const
    assert.deepEqual(await complete(check, ['cluster', '']), ['prod', 'dev', 'lost'])
    assert.deepEqual(await complete(check, ['cluster', 'd']), ['dev'])
    assert.deepEqual(await complete(drain, ['cluster', '']), ['prod', 'lost'])
    assert.deepEqual(await complete(check, ['namespace', 'team-b']), [], 'no cluster named yet')
    assert.equal(sessions.methods.length, asked, 'nobody is asked for any of these')
    const namespace = ['namespace', 'team-b'] as const
    assert.deepEqual(await complete(check, namespace, { cluster: 'prod' }), ['team-b'])
    assert.deepEqual(await complete(check, namespace, { cluster: 'dev' }), [])
    const inSession = await complete(drain, ['node', 'n'], { cluster: 'dev', force: 'no' })
    assert.deepEqual(inSession, ['force=no', 'n-1'])
    const pods = { type: 'ref/resource', uri: 'rolecall://prod/k8s://pods/{namespace}' } as const
    assert.deepEqual(await complete(pods, ['namespace', 'team-a']), ['team-a'])
    await assert.rejects(complete(check, namespace, { cluster: 'x' }), { code: -32602 })
    const elsewhere = { type: 'ref/resource', uri: 'rolecall://x/k8s://{a}' } as const
    await assert.rejects(complete(elsewhere, ['a', '']), {
      code: -32602,
      message: /is of no cluster\. Your clusters: prod, dev, lost/,
    })
  })
}

function argument(names: string): object {
  return { name: 'cluster', description: `The cluster to call: ${names}.`, required: true }
}

test("a prompt's own cluster makes ours rolecall_cluster, for every prompt and no tool", async (t) => {
  const own = () => {
    const server = new McpServer({ name: 'kind', version: '1' })
    const argsSchema = z.object({ cluster: z.string() })
    server.registerPrompt('load', { argsSchema }, ({ cluster }) => saying(`load ${cluster}`))
    server.registerTool('load', {}, () => ({ content: [] }))
    return server
  }
  const kind = await startFleetCluster(t, own)
  const { gateway, token } = await startFleet(t, [{ name: 'kind', upstream: kind.url }])
  const client = await connectClient(t, gateway.fleetUrl, token)
  // A replica that has not seen the prompt yet takes the long name as ours, too.
  const given = { rolecall_cluster: 'kind', cluster: 'k-1' }
  assert.deepEqual((await said(client, 'load', given)).slice(0, 2), ['Cluster: kind', 'load k-1'])
  const { prompts } = await client.listPrompts()
  assert.deepEqual(
    prompts.map((prompt) => prompt.arguments?.[0]?.name),
    ['rolecall_cluster', 'rolecall_cluster', 'rolecall_cluster'],
  )
  const { tools } = await client.listTools()
  const { properties = {} } = tools.find(({ name }) => name === 'load')?.inputSchema ?? {}
  assert.deepEqual(Object.keys(properties), ['cluster'])
})

test('clusters_from is filled in for prompts, too, is not shown, and no request may bring it', async (t) => {
  const contexts = () => {
    const server = new McpServer({ name: 'contexts', version: '1' })
    const argsSchema = z.object({
      context: completable(z.string(), () => ['eu', 'secret']).optional(),
      namespace: completable(z.string(), begins).optional(),
    })
    server.registerPrompt('check', { argsSchema }, (given) => saying(JSON.stringify(given)))
    return server
  }
  const { url } = await startFleetCluster(t, contexts)
  const gateway = await startFleetGateway(
    t,
    ['eu', 'us'].map((name) => ({ name, upstream: url, clusters_from: 'context' })),
  )
  const token = await gateway.entra.mint({ person: 'alice' })
  const client = await connectClient(t, gateway.fleetUrl, token)
  const { prompts } = await client.listPrompts()
  assert.deepEqual(
    prompts.map(({ arguments: given = [] }) => given.map(({ name }) => name)),
    [['cluster', 'namespace']],
  )
  const [, text] = await said(client, 'check', { cluster: 'us', namespace: 'x' })
  assert.deepEqual(JSON.parse(text ?? ''), { context: 'us', namespace: 'x' })
  await assert.rejects(said(client, 'check', { cluster: 'us', context: 'eu' }), {
    code: -32602,
    message: /Leave out "context"/,
  })
  // Clusters that are not this user's are told to nobody.
  for (const [name, values] of [
    ['context', []],
    ['namespace', NAMESPACES],
  ] as const) {
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'check' },
      argument: { name, value: '' },
      context: { arguments: { cluster: 'us' } },
    })
    assert.deepEqual(completion.values, values, name)
  }
})

test('a fleet without prompts or resources lists none, and asks nobody at initialize', async (t) => {
  const gateway = await startFleetGateway(t, [LOST])
  const asked = { url: gateway.fleetUrl, token: await gateway.entra.mint({ person: 'alice' }) }
  const { message } = await askFleet(
    asked,
    rpc('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    }),
  )
  const capabilities = message.result?.['capabilities'] as Record<string, unknown>
  for (const one of ['resources', 'prompts', 'completions']) assert.ok(one in capabilities, one)
  const lists = [
    ['prompts/list', 'prompts'],
    ['resources/list', 'resources'],
    ['resources/templates/list', 'resourceTemplates'],
  ] as const
  for (const [method, member] of lists) {
    assert.deepEqual((await askFleet(asked, rpc(method))).message.result?.[member], [], method)
  }
})
