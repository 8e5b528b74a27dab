import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fleetDifferences } from '../../deploy/demo/fleet-walk.ts'

const expected = {
  username: 'alice',
  team: 'team-a',
  sees: ['prod', 'staging'],
  counts: '2 of 3 clusters answered. Not in this answer: dev (not allowed for you).',
} as const
const PODS = 'shop-web Running\nshop-worker Running'
const REFUSED = '## dev: refused by the cluster\npods is forbidden'

test('an answer with what each may see, labelled and counted, has no difference', () => {
  const text = `## prod\n${PODS}\n## staging\n${PODS}\n${REFUSED}\n${expected.counts}`
  assert.deepEqual(fleetDifferences(expected, text), [])
})

const wrong: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
  'a cluster without its pods': [
    `## prod\n${PODS}\n## staging\nshop-web\n${REFUSED}\n${expected.counts}`,
    /saw it on prod$/,
  ],
  'pods where none may be seen': [
    `## prod\n${PODS}\n## staging\n${PODS}\n## dev\n${PODS}\n${expected.counts}`,
    /saw it on prod, staging, dev$/,
  ],
  'no word of what is missing': [
    `## prod\n${PODS}\n## staging\n${PODS}\n${REFUSED}\n3 of 3 clusters answered.`,
    /it ends "3 of 3 clusters answered\."$/,
  ],
}
for (const [what, [text, says]] of Object.entries(wrong)) {
  test(`${what} is one difference`, () => {
    const [difference = '', ...more] = fleetDifferences(expected, text)
    assert.deepEqual(more, [])
    assert.match(difference, says)
  })
}
