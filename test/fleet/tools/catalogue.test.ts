import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tool } from '@modelcontextprotocol/server'
import { type ClusterTools, mergeTools } from '../../../src/fleet/tools/catalogue.ts'

const READS = { readOnlyHint: true }

function tool(name: string, over: Partial<Tool> = {}): Tool {
  return { name, inputSchema: { type: 'object', properties: { a: { type: 'string' } } }, ...over }
}

function at(cluster: string, tools?: readonly Tool[], serverVersion?: string): ClusterTools {
  return { cluster, serverVersion, ...(tools && { tools }) }
}

const OTHER = tool('x', { inputSchema: { type: 'object', properties: { b: { type: 'number' } } } })

type Row = readonly [rule: string, lists: readonly ClusterTools[], expected: object]

const rows: readonly Row[] = [
  [
    'the same schema in another order of members is the same tool',
    [
      at('a', [tool('x', { inputSchema: { type: 'object', properties: { p: {}, q: {} } } })]),
      at('b', [tool('x', { inputSchema: { properties: { q: {}, p: {} }, type: 'object' } })]),
    ],
    { clusters: ['a', 'b'], differsOn: [] },
  ],
  [
    'the order within a list counts, as it does in a schema',
    [
      at('a', [tool('x', { inputSchema: { type: 'object', required: ['p', 'q'] } })]),
      at('b', [tool('x', { inputSchema: { type: 'object', required: ['q', 'p'] } })]),
    ],
    { clusters: ['a'], differsOn: ['b'] },
  ],
  [
    'descriptions may differ',
    [at('a', [tool('x', { description: 'one' })]), at('b', [tool('x', { description: 'two' })])],
    { clusters: ['a', 'b'], differsOn: [], shown: 'one' },
  ],
  [
    'where schemas differ, that of the newest server is shown',
    [at('a', [OTHER], 'v0.0.9'), at('b', [tool('x')], 'v0.0.54')],
    { clusters: ['b'], differsOn: ['a'] },
  ],
  [
    'versions are compared by number, not as text',
    [at('a', [tool('x')], '1.10.0'), at('b', [OTHER], '1.9.0')],
    { clusters: ['a'], differsOn: ['b'] },
  ],
  [
    'a server that tells no version is the oldest',
    [at('a', [OTHER]), at('b', [tool('x')], '0')],
    { clusters: ['b'], differsOn: ['a'] },
  ],
  [
    'of servers alike in version the first of the configuration is shown',
    [at('a', [tool('x')], '1'), at('b', [OTHER], '1')],
    { clusters: ['a'], differsOn: ['b'] },
  ],
  [
    'a cluster whose tools are not known counts as having each',
    [at('a', [tool('x')]), at('b'), at('c', [])],
    { clusters: ['a', 'b'], differsOn: [] },
  ],
  [
    'a second tool of one name on one server is not there',
    [at('a', [tool('x', { annotations: READS }), OTHER])],
    { clusters: ['a'], differsOn: [], isReadOnly: true },
  ],
  [
    'read-only is what all mark so',
    [at('a', [tool('x', { annotations: READS })]), at('b', [tool('x', { annotations: READS })])],
    { isReadOnly: true, hints: [true, false, false, true] },
  ],
  [
    'one that is not marked makes the tool one that writes',
    [at('a', [tool('x', { annotations: READS })]), at('b', [tool('x')])],
    { isReadOnly: false, hints: [false, true, false, true] },
  ],
  [
    'also where that one has another schema',
    [at('a', [tool('x', { annotations: READS })], '2'), at('b', [OTHER], '1')],
    { clusters: ['a'], differsOn: ['b'], isReadOnly: false },
  ],
  [
    'hints that all give are given',
    [
      at('a', [
        tool('x', {
          annotations: { destructiveHint: false, idempotentHint: true, openWorldHint: false },
        }),
      ]),
    ],
    { isReadOnly: false, hints: [false, false, true, false] },
  ],
]

for (const [rule, lists, expected] of rows) {
  test(`tools of many clusters: ${rule}`, () => {
    const [merged, ...others] = mergeTools(lists)
    assert.ok(merged)
    assert.deepEqual(others, [])
    const { clusters, differsOn, isReadOnly, definition } = merged
    const { annotations: hints } = definition
    const found = {
      clusters,
      differsOn,
      isReadOnly,
      shown: definition.description,
      hints: [
        hints?.readOnlyHint,
        hints?.destructiveHint,
        hints?.idempotentHint,
        hints?.openWorldHint,
      ],
    }
    assert.deepEqual({ ...found, ...expected }, found)
  })
}

test('tools of many clusters are sorted by name, the same bytes whoever answered first', () => {
  const names = ['pods_list', '__proto__', 'constructor', 'Zeta', 'äpfel', 'a'.repeat(5000)]
  const one = mergeTools([
    at(
      'a',
      names.map((name) => tool(name)),
    ),
  ])
  const other = mergeTools([
    at(
      'a',
      names.toReversed().map((name) => tool(name)),
    ),
  ])
  assert.deepEqual(
    one.map(({ name }) => name),
    names.toSorted(),
  )
  assert.equal(JSON.stringify(one), JSON.stringify(other))
})

test('a schema with a property __proto__ differs from one without', () => {
  const inputSchema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}')
  const [merged] = mergeTools([
    at('a', [tool('x', { inputSchema })]),
    at('b', [tool('x', { inputSchema: { type: 'object', properties: {} } })]),
  ])
  assert.deepEqual(merged?.differsOn, ['b'])
})

test('what the answers of the fleet do not keep is not shown', () => {
  const [merged] = mergeTools([
    at('a', [tool('x', { outputSchema: { type: 'object' }, title: 'X' })]),
  ])
  assert.equal(merged?.definition.title, 'X')
  assert.equal('outputSchema' in (merged?.definition ?? {}), false)
})
