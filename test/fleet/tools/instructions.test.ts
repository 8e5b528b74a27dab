import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instructions } from '../../../src/fleet/tools/instructions.ts'

const MANY = { argument: 'cluster', fansOut: true } as const

test('instructions tell the clusters, the argument, and what to say of those that are missing', () => {
  const words = instructions(
    [
      { name: 'prod', description: 'Europe', labels: {} },
      { name: 'dev', labels: {} },
    ],
    MANY,
  )
  assert.match(words, /^2 Kubernetes clusters.*\n- prod: Europe\n- dev\n/)
  assert.match(words, /"cluster".*required/)
  assert.match(words, /"\*".*only read/)
  assert.match(words, /missing/)
  assert.match(words, /Name the cluster of every finding/)
})

test('one cluster is one, and several at once are not told where they are turned off', () => {
  const words = instructions([{ name: 'prod', labels: {} }], {
    argument: 'rolecall_cluster',
    fansOut: false,
  })
  assert.match(words, /^One Kubernetes cluster,/)
  assert.match(words, /"rolecall_cluster"/)
  assert.doesNotMatch(words, /\*/)
})

for (const [what, description] of [
  ['long', 'x'.repeat(500)],
  ['none', undefined],
  ['of letters that take more bytes than one', 'Süßölgefäß 東京'.repeat(10)],
] as const) {
  test(`a thousand clusters fit in 2 KB (descriptions: ${what})`, () => {
    const clusters = Array.from({ length: 1000 }, (_, i) => ({
      name: `cluster-${i}`,
      labels: {},
      ...(description && { description }),
    }))
    const words = instructions(clusters, MANY)
    assert.ok(Buffer.byteLength(words) <= 2048, String(Buffer.byteLength(words)))
    assert.match(words, /- and \d+ more \(clusters_list\)/)
    assert.match(words, /required and has no default/)
  })
}
