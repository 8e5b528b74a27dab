import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { handedOut } from '../../support/handed-out.ts'
import { startRuled } from '../../support/ruled-gateway.ts'
import { type ToolServer, tool } from '../../support/tool-server.ts'
import { type ModelRule, modelAllows } from '../../tool-rules/reference-model.ts'

const teamA = 'aaaaaaaa-1111-4a11-8a11-aaaaaaaaaaaa'
const teamB = 'bbbbbbbb-2222-4b22-8b22-bbbbbbbbbbbb'

/** In an order of their own, which lists keep. */
const tools = [
  tool('pods_log', true),
  tool('pods_delete', false),
  tool('namespaces_list', true),
  tool('pods_exec'),
  tool('helm_list', true),
  tool('helm_install', false),
  tool('resources_create_or_update', false),
  tool('Pods_log', false),
  tool('nodes_top', true),
  tool('events_list'),
]

const rules: readonly ModelRule[] = [
  { tools: ['pods_*', 'namespaces_list'], hint: 'read_only' },
  { tools: ['helm_*'], groups: [teamA], clients: ['claude.ai', 'ui'] },
  { tools: ['*_delete', 'pods_exec'], groups: [teamB, 'none'] },
  { hint: 'read_only', clients: ['ui'] },
  { tools: ['*'], groups: [teamA], clients: ['holmes'] },
]

const metadata = 'https://claude.ai/oauth/claude-code-client-metadata'
const clients = ['holmes', 'ui', metadata, 'rc1.some.registration', 'Holmes'] as const
const people = ['alice', 'bob', 'carol', 'with too many groups'] as const

async function connect(url: string, token: string): Promise<Client> {
  const client = new Client({ name: 'holmes', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await client.connect(transport as Transport)
  return client
}

async function listAll(client: Client): Promise<readonly string[]> {
  const names: string[] = []
  let cursor: string | undefined
  do {
    const page = await client.listTools(cursor === undefined ? {} : { cursor })
    names.push(...page.tools.map(({ name }) => name))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return names
}

const groupsOf: Readonly<Record<(typeof people)[number], readonly string[]>> = {
  alice: [teamA],
  bob: [teamB],
  carol: [],
  'with too many groups': [],
}

/** The tools that the model lets a person call with a client, in the server's order. */
function expectedFor(person: (typeof people)[number], id: string): readonly string[] {
  const named = [id, ...(id === metadata ? ['claude.ai'] : []), holmes.client_id]
  return tools
    .filter(({ name, annotations }) =>
      modelAllows(rules, {
        tool: name,
        readOnlyHint: annotations?.readOnlyHint,
        groups: groupsOf[person],
        clients: named,
      }),
    )
    .map(({ name }) => name)
}

interface Pair {
  readonly client: Client
  readonly server: ToolServer
  readonly expected: readonly string[]
  readonly words: string
}

/** Calls every tool: those that are expected run, all others are refused by name and do not. */
async function callAll({ client, server, expected, words }: Pair): Promise<void> {
  for (const { name } of tools) {
    const before = server.ran.length
    const result = await client.callTool({ name, arguments: {} }, CallToolResultSchema)
    const allowed = expected.includes(name)
    assert.equal(result.isError ?? false, !allowed, `${words} at ${name}`)
    assert.deepEqual(server.ran.slice(before), allowed ? [name] : [], `${words} at ${name}`)
    if (!allowed) assert.match(JSON.stringify(result.content), new RegExp(name))
  }
}

const shapes = [
  ['event streams, in pages, with sessions', { page: 3, sessions: true }],
  ['JSON, on one page, without sessions', { json: true }],
] as const

for (const [words, shape] of shapes) {
  test(`200 rows give one verdict at the list and at the call: ${words}`, async (t) => {
    const { gateway, server } = await startRuled(t, rules, { tools: () => tools, ...shape })
    const pairs = people.flatMap((person) => clients.map((id) => [person, id] as const))
    assert.equal(pairs.length * tools.length, 200)
    for (const [index, [person, id]] of pairs.entries()) {
      const whose = person === 'with too many groups' ? { groups: 250 } : { person }
      const inside = await gateway.entra.mint(whose)
      const client = await connect(gateway.url, await handedOut(gateway, inside, undefined, id))
      const expected = expectedFor(person, id)
      // Calls come first for some: then rolecall has to ask for hints itself.
      if (index % 2 === 1) assert.deepEqual(await listAll(client), expected, `${person} ${id}`)
      await callAll({ client, server, expected, words: `${person} with ${id}` })
      assert.deepEqual(await listAll(client), expected, `${person} ${id}`)
      await client.close()
    }
  })
}
