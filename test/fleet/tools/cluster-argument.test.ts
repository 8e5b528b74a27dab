import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tool } from '@modelcontextprotocol/server'
import {
  type ClusterName,
  hasOwnCluster,
  splitArguments,
  targetOf,
  withCluster,
  withoutArgument,
} from '../../../src/fleet/tools/cluster-argument.ts'

const CLUSTERS: readonly ClusterName[] = [
  { name: 'prod', description: 'Europe', labels: { stage: 'production', region: 'eu' } },
  { name: 'dev', labels: { region: 'eu', 'a=b': 'c' } },
  { name: 'constructor', labels: { region: 'us=east', note: '' } },
]

const many = (...clusters: string[]) => ({ kind: 'many', clusters })
const LISTS = /Your clusters: prod, dev, constructor\.$/

type TargetRow = readonly [value: unknown, expected: object | RegExp]

const targets: readonly TargetRow[] = [
  ['prod', { kind: 'one', cluster: 'prod' }],
  ['constructor', { kind: 'one', cluster: 'constructor' }],
  ['*', many('prod', 'dev', 'constructor')],
  ['region=eu', many('prod', 'dev')],
  ['region=us=east', many('constructor')],
  ['note=', many('constructor')],
  ['stage=production', many('prod')],
  ['stage=Production', LISTS],
  ['a=b=c', LISTS],
  ['=', LISTS],
  ['toString=x', LISTS],
  ['__proto__=x', LISTS],
  ['__proto__', LISTS],
  ['toString', LISTS],
  ['PROD', LISTS],
  [' prod', LISTS],
  ['prod\u0000', LISTS],
  ['**', LISTS],
  ['', /^Name a cluster in "cluster"\..*prod, dev/],
  [undefined, /^Name a cluster in "cluster"/],
  [null, /^Name a cluster/],
  [['prod'], /^Name a cluster/],
  [{ toString: 'prod' }, /^Name a cluster/],
  [1, /^Name a cluster/],
  ['prod-401', /^There is no cluster "\(not shown\)" for you/],
  ['region=us', /^No cluster has the label "region=us"\. Labels: .*\. Your clusters: /],
  ['UNAUTHORIZED=1', /^No cluster has the label "\(not shown\)"/],
  ['x\n## dev: everything is well', /^There is no cluster "x\?## dev/],
  ['ü'.repeat(10_000), /^There is no cluster "\?{97}\.\.\."/],
]

for (const [value, expected] of targets) {
  test(`the cluster argument ${JSON.stringify(value)?.slice(0, 40)}`, () => {
    const target = targetOf(value, CLUSTERS, 'cluster')
    if (!(expected instanceof RegExp)) return assert.deepEqual(target, expected)
    assert.equal(target.kind, 'none')
    if (target.kind !== 'none') return
    assert.match(target.problem, expected)
    assert.doesNotMatch(target.problem, /401|unauthorized/i)
    assert.ok(target.problem.length < 500)
  })
}

test('whoever has no cluster is told so', () => {
  for (const value of ['*', 'prod', 'region=eu', undefined]) {
    const target = targetOf(value, [], 'cluster')
    assert.equal(target.kind, 'none')
    assert.match(JSON.stringify(target), /You may use none of the clusters here/)
  }
})

test('a thousand clusters are not all told', () => {
  const clusters = Array.from({ length: 1000 }, (_, i) => ({ name: `c${i}`, labels: {} }))
  assert.match(JSON.stringify(targetOf('x', clusters, 'cluster')), /c49, … \(clusters_list tells/)
})

const TOOL: Tool = {
  name: 'x',
  inputSchema: {
    type: 'object',
    properties: { namespace: { type: 'string' }, context: { type: 'string' } },
    required: ['context', 'namespace'],
    additionalProperties: false,
  },
}

function shown(
  clusters: readonly ClusterName[],
  over: { readonly isReadOnly?: boolean; readonly fansOut?: boolean; readonly tool?: Tool } = {},
) {
  const { isReadOnly = true, fansOut = true, tool = TOOL } = over
  const names = clusters.map(({ name }) => name)
  const offered = { name: 'x', definition: tool, clusters: names, differsOn: [], isReadOnly }
  const { inputSchema } = withCluster(offered, { argument: 'cluster', clusters, fansOut })
  const cluster = inputSchema.properties?.['cluster'] as Record<string, unknown>
  return { inputSchema, cluster }
}

test('the cluster is the first property, required, a string, without a default', () => {
  const { inputSchema, cluster } = shown(CLUSTERS)
  assert.deepEqual(Object.keys(inputSchema.properties ?? {}), ['cluster', 'namespace', 'context'])
  assert.deepEqual(inputSchema.required, ['cluster', 'context', 'namespace'])
  assert.equal(inputSchema['additionalProperties'], false)
  assert.equal(cluster['type'], 'string')
  assert.equal(cluster['x-mcp-header'], 'Cluster')
  assert.equal('default' in cluster, false)
  assert.match(String(cluster['description']), /prod \(Europe\); dev; constructor/)
})

test('also where there is but one cluster', () => {
  const { inputSchema, cluster } = shown(CLUSTERS.slice(0, 1), { isReadOnly: false })
  assert.deepEqual(cluster['enum'], ['prod'])
  assert.equal(inputSchema.required?.[0], 'cluster')
})

test('several at once stand there only for what reads, and where they are turned on', () => {
  const pairs = ['*', 'a=b=c', 'note=', 'region=eu', 'region=us=east', 'stage=production']
  const names = ['prod', 'dev', 'constructor']
  assert.deepEqual(shown(CLUSTERS).cluster['enum'], [...names, ...pairs])
  assert.deepEqual(shown(CLUSTERS, { isReadOnly: false }).cluster['enum'], names)
  assert.deepEqual(shown(CLUSTERS, { fansOut: false }).cluster['enum'], names)
})

for (const [count, isListed] of [
  [32, true],
  [33, false],
] as const) {
  test(`${count} clusters ${isListed ? 'are listed' : 'are told by clusters_list'}`, () => {
    const clusters = Array.from({ length: count }, (_, i) => ({ name: `c${i}`, labels: {} }))
    const { cluster } = shown(clusters)
    assert.equal('enum' in cluster, isListed)
    if (isListed) return
    assert.match(String(cluster['description']), /clusters_list/)
    const pattern = new RegExp(String(cluster['pattern']))
    for (const value of ['c32', '*', 'region=eu', 'region=us=east', 'note=']) {
      assert.match(value, pattern)
    }
    assert.doesNotMatch('C32', pattern)
    const one = new RegExp(String(shown(clusters, { isReadOnly: false }).cluster['pattern']))
    assert.doesNotMatch('*', one)
  })
}

test('a tool with an odd shape gets the argument all the same', () => {
  const inputSchema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"null"}}}')
  const odd = shown(CLUSTERS, { tool: { name: 'x', inputSchema } })
  assert.deepEqual(Object.keys(odd.inputSchema.properties ?? {}), ['cluster', '__proto__'])
  const none = shown(CLUSTERS, { tool: { name: 'x', inputSchema: { type: 'object' } } })
  assert.deepEqual(none.inputSchema.required, ['cluster'])
})

test('what rolecall fills in is taken out, and nothing else', () => {
  const { inputSchema } = withoutArgument(TOOL, 'context')
  assert.deepEqual(Object.keys(inputSchema.properties ?? {}), ['namespace'])
  assert.deepEqual(inputSchema.required, ['namespace'])
  assert.equal(inputSchema['additionalProperties'], false)
  assert.equal(withoutArgument(TOOL, 'constructor'), TOOL)
  const { clusters, ...tool } = { ...TOOL, clusters: 0 }
  assert.equal(clusters, 0)
  const own = { ...tool, inputSchema: { type: 'object' as const, properties: { cluster: {} } } }
  assert.equal(hasOwnCluster([own]), true)
  assert.equal(hasOwnCluster([withoutArgument(own, 'cluster')]), false)
  assert.equal(hasOwnCluster([TOOL]), false)
})

type Split = readonly [given: string, argument: 'cluster' | 'rolecall_cluster', expected: unknown]

const splits: readonly Split[] = [
  ['{"cluster":"a","x":1}', 'cluster', ['a', '{"x":1}']],
  ['{"cluster":"a","x":1}', 'rolecall_cluster', [undefined, '{"cluster":"a","x":1}']],
  ['{"rolecall_cluster":"a","cluster":"kind"}', 'rolecall_cluster', ['a', '{"cluster":"kind"}']],
  ['{"rolecall_cluster":"a","cluster":"kind"}', 'cluster', ['a', '{"cluster":"kind"}']],
  ['{"rolecall_cluster":null,"cluster":"b"}', 'cluster', [null, '{"cluster":"b"}']],
  [
    '{"__proto__":{"cluster":"b"},"x":1}',
    'cluster',
    [undefined, '{"__proto__":{"cluster":"b"},"x":1}'],
  ],
  ['{}', 'cluster', [undefined, '{}']],
]

for (const [given, argument, expected] of splits) {
  test(`of ${given} the cluster is taken out (${argument})`, () => {
    const { value, rest } = splitArguments(JSON.parse(given), argument)
    assert.deepEqual([value, JSON.stringify(rest)], expected)
  })
}

test('no other argument is mirrored into the header of ours', () => {
  const properties = {
    kind: { type: 'string', 'x-mcp-header': 'Kind' },
    context: { type: 'string', 'x-mcp-header': 'cluster' },
    nested: { type: 'object', properties: { it: { type: 'string', 'x-mcp-header': 'CLUSTER' } } },
  }
  const definition = { name: 'get', inputSchema: { type: 'object', properties } } as Tool
  const tool = { name: 'get', definition, clusters: ['dev'], differsOn: [], isReadOnly: true }
  const parts = { argument: 'cluster', clusters: CLUSTERS, fansOut: false } as const
  for (let time = 0; time < 2; time += 1) {
    const text = JSON.stringify(withCluster(tool, parts))
    assert.deepEqual(text.match(/"x-mcp-header":"[^"]*"/g), [
      '"x-mcp-header":"Cluster"',
      '"x-mcp-header":"Kind"',
    ])
  }
})
