import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences, type Sight, sightTable } from '../../deploy/demo/who-sees-what.ts'

const alice = {
  username: 'alice',
  clusterName: 'alice@contoso.test',
  teams: ['team-a'],
  token: 'secret.token.text',
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

test('the table has the cluster’s own words, and no token', () => {
  const table = sightTable([own, other])
  assert.deepEqual(table.split('\n'), [
    'WHO    NAMESPACE  FOR THE CLUSTER     WHAT',
    'alice  team-a     alice@contoso.test  sees shop-web, shop-worker',
    `alice  team-b     alice@contoso.test  refused: ${refusal.slice('failed to list pods in namespace team-b: '.length)}`,
  ])
})
