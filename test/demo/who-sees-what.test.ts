import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  alikeSights,
  differences,
  disagreements,
  type Sight,
  sightTable,
} from '../../deploy/demo/who-sees-what.ts'

const alice = {
  username: 'alice',
  clusterName: 'alice@contoso.test',
  teams: ['team-a'],
} as const
const refusal =
  'failed to list pods in namespace team-b: pods is forbidden: User "alice@contoso.test" cannot ' +
  'list resource "pods" in API group "" in the namespace "team-b"'

const own: Sight = {
  person: alice,
  team: 'team-a',
  answer: { isError: false, text: 'shop-web Running\nshop-worker Running' },
  callers: ['alice@contoso.test'],
}
const other: Sight = { ...own, team: 'team-b', answer: { isError: true, text: refusal } }

test('own pods seen and others refused in the cluster’s words: no difference', () => {
  assert.deepEqual(differences([own, other]), [])
})

const wrong: Record<string, { sight: Sight; says: RegExp }> = {
  'a pod missing': {
    sight: { ...own, answer: { isError: false, text: 'shop-web Running' } },
    says: /^alice in team-a: should see shop-web, shop-worker; was told: shop-web Running$/,
  },
  'a pod of another team among them': {
    sight: { ...own, answer: { isError: false, text: `${own.answer.text}\nbilling-api` } },
    says: /^alice in team-a: should see shop-web, shop-worker;/,
  },
  'an error where pods should be': {
    sight: { ...own, answer: { isError: true, text: own.answer.text } },
    says: /^alice in team-a: should see/,
  },
  'another team’s pods': {
    sight: { ...other, answer: { isError: false, text: 'billing-api\nbilling-ledger' } },
    says: /^alice in team-b: should be refused by the cluster; was told: billing-api/,
  },
  'an empty list where a refusal should be': {
    sight: { ...other, answer: { isError: false, text: '' } },
    says: /should be refused by the cluster/,
  },
  'a refusal that is not the cluster’s': {
    sight: { ...other, answer: { isError: true, text: 'policy: not for you' } },
    says: /should be refused by the cluster/,
  },
  'a refusal of somebody else': {
    sight: {
      ...other,
      answer: { isError: true, text: refusal.replace('alice@', 'system:serviceaccount@') },
    },
    says: /should be refused by the cluster/,
  },
  'somebody else asked too': {
    sight: { ...own, callers: ['alice@contoso.test', 'bob@contoso.test'] },
    says: /^alice in team-a: the cluster was asked by alice@contoso.test, bob@contoso.test,/,
  },
  'nobody asked the cluster': {
    sight: { ...own, callers: [] },
    says: /^alice in team-a: the cluster was asked by nobody/,
  },
}
for (const [what, { sight, says }] of Object.entries(wrong)) {
  test(`${what}: one difference, in a sentence`, () => {
    const found = differences([own, other, sight])
    assert.equal(found.length, 1)
    assert.match(found[0] ?? '', says)
  })
}

const bob = { username: 'bob', clusterName: 'bob@contoso.test', teams: ['team-b'] } as const

test('people of different teams who see the same are named', () => {
  assert.deepEqual(alikeSights([own, { ...other, person: bob }]), [])
  assert.deepEqual(alikeSights([own, { ...own, person: bob }]), ['alice and bob see the same'])
})

test('both ways agree, or what only one of them shows is named', () => {
  // Ages in a table of pods go by: only what is seen counts.
  const later = { ...own, answer: { isError: false, text: `${own.answer.text} 12s` } }
  assert.deepEqual(disagreements([own, other], [later, other]), [])
  const byAnother = { ...own, callers: ['bob@contoso.test'] }
  assert.deepEqual(disagreements([own, other], [byAnother, other]), [
    'only the one way: alice, team-a, alice@contoso.test, sees shop-web, shop-worker',
    'only the other way: alice, team-a, bob@contoso.test, sees shop-web, shop-worker',
  ])
  assert.equal(disagreements([own, other], [own]).length, 1)
})

test('the table has the cluster’s own words', () => {
  const table = sightTable([own, other])
  assert.deepEqual(table.split('\n'), [
    'WHO    NAMESPACE  FOR THE CLUSTER     WHAT',
    'alice  team-a     alice@contoso.test  sees shop-web, shop-worker',
    `alice  team-b     alice@contoso.test  refused: ${refusal.slice('failed to list pods in namespace team-b: '.length)}`,
  ])
})
