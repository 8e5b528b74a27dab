import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clustersList } from '../../src/fleet/clusters-list.ts'
import type { ClusterName } from '../../src/fleet/tools/cluster-argument.ts'
import { textsOf } from '../support/fleet-calls.ts'

type Row = readonly [about: Omit<ClusterName, 'name'>, title: string]

const rows: readonly Row[] = [
  [{ labels: {} }, 'prod'],
  [{ labels: {}, description: 'Europe' }, 'prod (Europe)'],
  [{ labels: { region: 'eu', stage: 'live' } }, 'prod (region=eu, stage=live)'],
  [{ labels: { region: 'eu' }, description: 'Europe' }, 'prod (Europe; region=eu)'],
]

for (const [about, title] of rows) {
  test(`clients that give a model the text alone tell it of ${title}`, () => {
    const names = [{ name: 'prod', ...about }]
    const list = clustersList({ names, standings: [], lists: [], tools: [], argument: 'cluster' })
    assert.deepEqual(textsOf(list), [`- ${title}: does not take your sign-in now`])
  })
}
