import assert from 'node:assert/strict'
import { test } from 'node:test'
import { McpServer } from '@modelcontextprotocol/server'
import { askFleet, rpc } from '../../support/fleet-calls.ts'
import { startFleetCluster } from '../../support/fleet-cluster.ts'
import { connectClient, startFleetGateway } from '../../support/fleet-gateway.ts'

test('a list is paged, and a cursor is good for its list and its user alone', async (t) => {
  const many = () => {
    const server = new McpServer({ name: 'many', version: '1' })
    for (let i = 0; i < 400; i += 1) {
      server.registerResource(`r${i}`, `k8s://r/${i}`, {}, () => ({ contents: [] }))
    }
    return server
  }
  const clusters = ['a', 'b', 'c']
  const gateway = await startFleetGateway(
    t,
    await Promise.all(
      clusters.map(async (name) => ({ name, upstream: (await startFleetCluster(t, many)).url })),
    ),
  )
  const asked = { url: gateway.fleetUrl, token: await gateway.entra.mint({ person: 'alice' }) }
  const uris: string[] = []
  const sizes: number[] = []
  const cursors: string[] = []
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const { message } = await askFleet(asked, rpc('resources/list', cursor ? { cursor } : {}))
    const result = message.result as { resources: { uri: string }[]; nextCursor?: string }
    sizes.push(result.resources.length)
    uris.push(...result.resources.map(({ uri }) => uri))
    cursor = result.nextCursor
    if (cursor !== undefined) cursors.push(cursor)
  }
  assert.deepEqual(sizes, [500, 500, 200])
  const expected = clusters.flatMap((name) =>
    [...Array(400).keys()].map((i) => `rolecall://${name}/k8s://r/${i}`),
  )
  assert.deepEqual(uris, expected)
  const [cursor = ''] = cursors
  const bob = { ...asked, token: await gateway.entra.mint({ person: 'bob' }) }
  const refused = [
    await askFleet(bob, rpc('resources/list', { cursor })),
    await askFleet(asked, rpc('resources/templates/list', { cursor })),
    await askFleet(asked, rpc('resources/list', { cursor: `${cursor.slice(0, -2)}xx` })),
    await askFleet(asked, rpc('resources/list', { cursor: '500' })),
  ]
  for (const { message } of refused) assert.equal(message.error?.code, -32602)
})

test('a member that pages is read whole, and one that pages on and on is cut', async (t) => {
  let asked = 0
  const endless = () => {
    const { server } = new McpServer(
      { name: 'endless', version: '1' },
      { capabilities: { resources: {} } },
    )
    server.setRequestHandler('resources/list', ({ params }) => {
      asked += 1
      const page = Number(params?.cursor ?? 0)
      return {
        resources: [{ uri: `k8s://r/${page}`, name: `r${page}` }],
        nextCursor: String(page + 1),
      }
    })
    return server
  }
  const { url } = await startFleetCluster(t, endless)
  const gateway = await startFleetGateway(t, [{ name: 'prod', upstream: url }])
  const client = await connectClient(
    t,
    gateway.fleetUrl,
    await gateway.entra.mint({ person: 'alice' }),
  )
  const { resources } = await client.listResources()
  assert.deepEqual(
    resources.map(({ uri }) => uri),
    [...Array(64).keys()].map((page) => `rolecall://prod/k8s://r/${page}`),
  )
  assert.equal(asked, 64)
})
