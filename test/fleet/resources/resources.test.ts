import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Client } from '@modelcontextprotocol/client'
import {
  McpServer as SessionServer,
  ResourceTemplate as SessionTemplate,
} from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer, ResourceNotFoundError, ResourceTemplate } from '@modelcontextprotocol/server'
import { mapAtMost } from '../../../src/fleet/concurrency.ts'
import { askFleet, rpc } from '../../support/fleet-calls.ts'
import { startFleetCluster } from '../../support/fleet-cluster.ts'
import { connectClient, startFleetGateway } from '../../support/fleet-gateway.ts'
import { startSessionCluster } from '../../support/session-cluster.ts'

const READS = { readOnlyHint: true }
const ODD = 'k8s://pöds/../x'

/** A stateless server of 2026-07-28, whose resources say who reads them. */
function statelessServer({ bearer }: { readonly bearer: string }): McpServer {
  const server = new McpServer({ name: 'stateless', version: '1' })
  const uri = 'k8s://nodes'
  server.registerResource('nodes', uri, { title: 'Nodes', description: 'All nodes' }, () => ({
    contents: [{ uri, text: `nodes for ${userOf(bearer)}` }],
  }))
  server.registerResource('odd', ODD, {}, (read) => ({
    contents: [{ uri: ODD, text: read.href }],
  }))
  const template = new ResourceTemplate('k8s://pods/{namespace}/{name}', {
    list: undefined,
    complete: { namespace: (value) => ['team-a', 'team-b'].filter((one) => one.startsWith(value)) },
  })
  server.registerResource('pod', template, {}, (read, { namespace, name }) => ({
    contents: [{ uri: read.href, mimeType: 'text/plain', text: `${namespace} ${name}` }],
  }))
  server.registerTool('pods_list', { annotations: READS }, () => ({ content: linksTo(uri) }))
  return server
}

/** One of 2025-11-25 with sessions. */
function sessionServer(): SessionServer {
  const server = new SessionServer({ name: 'sessions', version: '1' })
  const uri = 'k8s://nodes'
  server.registerResource('nodes', uri, {}, () => ({ contents: [{ uri, blob: 'AAAA' }] }))
  server.registerResource(
    'log',
    new SessionTemplate('file:///var/log/{+path}', { list: undefined }),
    {},
    (read) => ({ contents: [{ uri: read.href, text: `log ${read.href}` }] }),
  )
  server.registerTool('pods_list', { annotations: READS }, () => ({ content: linksTo(uri) }))
  return server
}

function linksTo(uri: string) {
  return [
    { type: 'text' as const, text: 'pods' },
    { type: 'resource_link' as const, uri, name: 'nodes' },
    { type: 'resource' as const, resource: { uri: 'k8s://within', text: 'x' } },
  ]
}

function userOf(bearer: string): string {
  const payload = bearer.split('.')[1] ?? ''
  return String(JSON.parse(Buffer.from(payload, 'base64url').toString())['upn'])
}

async function startFleet(t: TestContext, away: readonly string[] = []) {
  const stateless = await startFleetCluster(t, statelessServer)
  const sessions = await startSessionCluster(t, sessionServer)
  const gateway = await startFleetGateway(t, [
    { name: 'prod', upstream: stateless.url },
    { name: 'dev', upstream: sessions.url },
    ...away.map((name) => ({ name, upstream: 'http://127.0.0.1:9/mcp' })),
  ])
  const token = await gateway.entra.mint({ person: 'alice' })
  return { stateless, sessions, gateway, token }
}

async function textAt(client: Client, uri: string): Promise<unknown> {
  const { contents } = await client.readResource({ uri })
  return contents.map((content) => [content.uri, 'text' in content ? content.text : content.blob])
}

for (const mode of ['auto', 'legacy'] as const) {
  test(`resources of all clusters are listed and read, each as the user (${mode})`, async (t) => {
    const { stateless, sessions, gateway, token } = await startFleet(t, ['lost'])
    const client = await connectClient(t, gateway.fleetUrl, token, { mode })
    const { resources } = await client.listResources()
    assert.deepEqual(
      resources.map(({ uri, name, title, description }) => [uri, name, title, description]),
      [
        ['rolecall://prod/k8s://nodes', 'nodes (prod)', 'Nodes (prod)', 'All nodes (on prod)'],
        ['rolecall://prod/k8s%3A%2F%2Fp%C3%B6ds%2F..%2Fx', 'odd (prod)', undefined, 'On prod.'],
        ['rolecall://dev/k8s://nodes', 'nodes (dev)', undefined, 'On dev.'],
      ],
    )
    const { resourceTemplates } = await client.listResourceTemplates()
    assert.deepEqual(
      resourceTemplates.map(({ uriTemplate, name }) => [uriTemplate, name]),
      [
        ['rolecall://prod/k8s://pods/{namespace}/{name}', 'pod (prod)'],
        ['rolecall://dev/file:///var/log/{+path}', 'log (dev)'],
      ],
    )
    const reads: readonly (readonly [uri: string, text: string])[] = [
      ['rolecall://prod/k8s://nodes', 'nodes for alice@contoso.test'],
      ['rolecall://dev/k8s://nodes', 'AAAA'],
      ['rolecall://prod/k8s://pods/team-a/web%201', 'team-a web%201'],
      ['rolecall://dev/file:///var/log/a/b.txt?x=1', 'log file:///var/log/a/b.txt?x=1'],
    ]
    for (const [uri, text] of reads) assert.deepEqual(await textAt(client, uri), [[uri, text]])
    const lines = gateway.log.filter(
      ({ kind, mcp_method: method }) => kind === 'request' && method === 'resources/read',
    )
    assert.deepEqual(
      lines.map(({ cluster, outcome, acts_as: as }) => [cluster, outcome, as]),
      ['prod', 'dev', 'prod', 'dev'].map((cluster) => [cluster, 'ok', 'caller']),
    )
    const bearers = [...stateless.bearers, ...sessions.bearers]
    assert.deepEqual([...new Set(bearers)], [`Bearer ${token}`])
  })

  test(`what cannot be read is an error of the protocol, and says what there is (${mode})`, async (t) => {
    const { stateless, gateway, token } = await startFleet(t, ['lost'])
    const client = await connectClient(t, gateway.fleetUrl, token, { mode })
    const notFound: readonly (readonly [uri: string, words: RegExp])[] = [
      ['k8s://nodes', /rolecall:\/\/<cluster>\/.*Your clusters: prod, dev, lost\./],
      ['rolecall://test/k8s://nodes', /There is no cluster "test" for you\. Your clusters: prod,/],
      ['rolecall://prod', /rolecall:\/\/<cluster>/],
    ]
    for (const [uri, words] of notFound) {
      await assert.rejects(client.readResource({ uri }), (error) => {
        assert.ok(error instanceof ResourceNotFoundError)
        assert.equal(error.uri, uri)
        assert.match(error.message, words)
        return true
      })
    }
    assert.equal(stateless.requests.length, 0)
    const failing: readonly (readonly [uri: string, code: number, words: RegExp, data?: object])[] =
      [
        [
          'rolecall://prod/k8s://nothing',
          -32602,
          /^prod: .*k8s:\/\/nothing/,
          { uri: 'rolecall://prod/k8s://nothing' },
        ],
        ['rolecall://lost/k8s://nodes', -32603, /^lost: cannot be reached now$/],
      ]
    for (const [uri, code, message, data] of failing) {
      await assert.rejects(client.readResource({ uri }), { code, message, data })
    }
    const lines = gateway.log.filter(({ mcp_method: method }) => method === 'resources/read')
    assert.deepEqual(
      lines.map(({ cluster, outcome }) => [cluster, outcome]),
      [undefined, undefined, undefined, 'prod', 'lost'].map((cluster) => [cluster, 'rpc_error']),
    )
  })

  test(`a link in a tool's result can be read, also in one of several clusters (${mode})`, async (t) => {
    const { gateway, token } = await startFleet(t)
    const client = await connectClient(t, gateway.fleetUrl, token, { mode })
    const uris = async (cluster: string) => {
      const { content } = await client.callTool({ name: 'pods_list', arguments: { cluster } })
      return content.flatMap((block) => {
        if (block.type === 'resource_link') return [block.uri]
        return block.type === 'resource' ? [block.resource.uri] : []
      })
    }
    const at = (name: string) => [
      `rolecall://${name}/k8s://nodes`,
      `rolecall://${name}/k8s://within`,
    ]
    assert.deepEqual(await uris('dev'), at('dev'))
    assert.deepEqual(await uris('*'), [...at('prod'), ...at('dev')])
    assert.deepEqual(await textAt(client, at('dev')[0] ?? ''), [[at('dev')[0], 'AAAA']])
  })
}

test('two users who ask at once get what is theirs, each with their own bearer', async (t) => {
  const { stateless, gateway } = await startFleet(t)
  const users = ['alice', 'bob']
  const clients = await Promise.all(
    users.map(async (person) =>
      connectClient(t, gateway.fleetUrl, await gateway.entra.mint({ person })),
    ),
  )
  const before = stateless.bearers.length
  await mapAtMost([...Array(200).keys()], 16, async (call) => {
    const client = clients[call % 2] ?? assert.fail()
    const uri = 'rolecall://prod/k8s://nodes'
    const text = `nodes for ${users[call % 2]}@contoso.test`
    assert.deepEqual(await textAt(client, uri), [[uri, text]])
  })
  const reads = stateless.bearers.slice(before).map((bearer = '') => userOf(bearer))
  for (const person of users) {
    assert.equal(reads.filter((user) => user === `${person}@contoso.test`).length >= 100, true)
  }
})

test('a cluster that does not let a user in shows them nothing, and is not told', async (t) => {
  const { url, requests } = await startFleetCluster(t, statelessServer)
  const gateway = await startFleetGateway(t, [
    { name: 'prod', upstream: url, required_groups: ['nobody'] },
  ])
  const client = await connectClient(
    t,
    gateway.fleetUrl,
    await gateway.entra.mint({ person: 'alice' }),
  )
  assert.deepEqual((await client.listResources()).resources, [])
  assert.deepEqual((await client.listResourceTemplates()).resourceTemplates, [])
  await assert.rejects(client.readResource({ uri: 'rolecall://prod/k8s://nodes' }), {
    code: -32602,
    message: 'There is no cluster "prod" for you. You may use none of the clusters here.',
  })
  assert.equal(requests.length, 0)
})

test("tool rules do not judge resources, as at the member's own path", async (t) => {
  const { url } = await startFleetCluster(t, statelessServer)
  const allow = [{ tools: ['none'], groups: [], clients: [] }]
  const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: url, allow }])
  const token = await gateway.entra.mint({ person: 'alice' })
  const atFleet = await connectClient(t, gateway.fleetUrl, token)
  const atMember = await connectClient(t, `${gateway.origin}/c/prod/mcp`, token)
  assert.deepEqual(
    (await atFleet.listTools()).tools.map(({ name }) => name),
    ['clusters_list'],
  )
  assert.deepEqual((await atMember.listTools()).tools, [])
  const own = await atMember.readResource({ uri: 'k8s://nodes' })
  const shown = await atFleet.readResource({ uri: 'rolecall://prod/k8s://nodes' })
  assert.deepEqual(
    shown.contents.map((content) => ({ ...content, uri: 'k8s://nodes' })),
    own.contents,
  )
})

test('a cluster is asked for resources only where it has some, and its session holds', async (t) => {
  const bare = await startSessionCluster(t, () => {
    const server = new SessionServer({ name: 'bare', version: '1' })
    server.registerTool('pods_list', { annotations: READS }, () => ({ content: [] }))
    return server
  })
  const gateway = await startFleetGateway(t, [{ name: 'bare', upstream: bare.url }])
  const asked = { url: gateway.fleetUrl, token: await gateway.entra.mint({ person: 'alice' }) }
  for (const method of ['tools/list', 'resources/list', 'resources/templates/list']) {
    assert.equal((await askFleet(asked, rpc(method))).message.error, undefined, method)
  }
  assert.deepEqual(
    bare.methods.filter((method) => method === 'initialize' || method.endsWith('/list')),
    ['initialize', 'tools/list'],
  )
  const { message } = await askFleet(
    asked,
    rpc('resources/read', { uri: 'rolecall://bare/k8s://x' }),
  )
  assert.equal(message.error?.code, -32602)
})
