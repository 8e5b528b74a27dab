import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Prompt } from '@modelcontextprotocol/server'
import {
  mergePrompts,
  promptHasOwnCluster,
  promptWithCluster,
  withoutPromptArgument,
} from '../../../src/fleet/prompts/prompt-catalogue.ts'

const check: Prompt = { name: 'check', arguments: [{ name: 'namespace', description: 'One' }] }
const required: Prompt = { name: 'check', arguments: [{ name: 'namespace', required: true }] }
const names = ['a', 'b', 'c'].map((name) => ({ name, labels: {} }))

type Row = readonly [
  rule: string,
  lists: Parameters<typeof mergePrompts>[0],
  expected: readonly (readonly [name: string, clusters: string[], differsOn: string[]])[],
]

const rows: readonly Row[] = [
  [
    'prompts alike are one, whatever they say of themselves',
    [
      { cluster: 'a', items: [check] },
      {
        cluster: 'b',
        items: [{ ...check, description: 'other', arguments: [{ name: 'namespace' }] }],
      },
    ],
    [['check', ['a', 'b'], []]],
  ],
  [
    'of unlike ones that of the newest server is shown',
    [
      { cluster: 'a', serverVersion: 'v0.0.9', items: [check] },
      { cluster: 'b', serverVersion: 'v0.0.10', items: [required] },
    ],
    [['check', ['b'], ['a']]],
  ],
  [
    'where prompts are not known each may be had',
    [{ cluster: 'a' }, { cluster: 'b', items: [check] }, { cluster: 'c', items: [] }],
    [['check', ['a', 'b'], []]],
  ],
  [
    'they are sorted by name',
    [{ cluster: 'a', items: [{ name: 'z' }, { name: 'A' }, check] }],
    [
      ['A', ['a'], []],
      ['check', ['a'], []],
      ['z', ['a'], []],
    ],
  ],
]

for (const [rule, lists, expected] of rows) {
  test(rule, () => {
    assert.deepEqual(
      mergePrompts(lists).map(({ shown, clusters, differsOn }) => [
        shown.name,
        clusters,
        differsOn,
      ]),
      expected,
    )
  })
}

test('the cluster is the first argument, required, and names those that have the prompt', () => {
  const [merged] = mergePrompts([
    { cluster: 'a', items: [check] },
    { cluster: 'b', items: [] },
    { cluster: 'c', items: [check] },
  ])
  assert.ok(merged)
  const description = 'The cluster to call: a; c.'
  assert.deepEqual(promptWithCluster(merged, { argument: 'cluster', clusters: names }), {
    name: 'check',
    arguments: [
      { name: 'cluster', description, required: true },
      { name: 'namespace', description: 'One' },
    ],
  })
})

test('beyond 32 clusters the argument says where their names are', () => {
  const many = Array.from({ length: 33 }, (_, i) => ({ name: `c${i}`, labels: {} }))
  const [merged] = mergePrompts(many.map(({ name }) => ({ cluster: name, items: [check] })))
  assert.ok(merged)
  const shown = promptWithCluster(merged, { argument: 'rolecall_cluster', clusters: many })
  assert.deepEqual(shown.arguments?.[0], {
    name: 'rolecall_cluster',
    description: 'The cluster to call. clusters_list tells their names.',
    required: true,
  })
})

test('what rolecall fills in is no argument, and none of its own', () => {
  const own: Prompt = { name: 'own', arguments: [{ name: 'cluster' }, { name: 'x' }] }
  assert.equal(promptHasOwnCluster([check, own]), true)
  const without = withoutPromptArgument(own, 'cluster')
  assert.deepEqual(without, { name: 'own', arguments: [{ name: 'x' }] })
  assert.equal(promptHasOwnCluster([without]), false)
})
