import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorize, type Permit } from '../../src/access/authorize.ts'
import type { ResourcePolicy } from '../../src/access/policy.ts'
import { type RefusalResponse, refusalResponse } from '../../src/access/refusal-response.ts'
import {
  entraClaims,
  entraHeader,
  entraPolicy,
  type Members,
  principalOf,
  signedToken,
  without,
} from './judged-tokens.ts'

async function answerFor(claims: Members, policy: ResourcePolicy): Promise<RefusalResponse> {
  const principal = await principalOf(signedToken(entraHeader, claims), policy)
  const authorization = authorize(principal, policy)
  assert.ok(authorization.kind === 'refused')
  return refusalResponse(authorization.refusal)
}

async function permitFor(claims: Members, policy: ResourcePolicy): Promise<Permit> {
  const principal = await principalOf(signedToken(entraHeader, claims), policy)
  const authorization = authorize(principal, policy)
  assert.ok(authorization.kind === 'permit', JSON.stringify(authorization))
  return authorization.permit
}

test('a person passes where no group is asked for, and the permit has the exact token', async () => {
  const token = signedToken(entraHeader, entraClaims)
  const principal = await principalOf(token, entraPolicy())
  const authorization = authorize(principal, entraPolicy())
  assert.ok(authorization.kind === 'permit')
  const { permit } = authorization
  assert.ok(permit.actsAs === 'caller')
  assert.equal(permit.bearer, token)
  assert.equal(permit.principal, principal)
  assert.deepEqual(Object.keys(permit), ['actsAs', 'principal'])
})

test('one of the required groups is enough', async () => {
  const policy = entraPolicy({ required_groups: ['group-z', 'group-b'] })
  assert.equal((await permitFor(entraClaims, policy)).actsAs, 'caller')
})

test('groups_claim names the claim, and one group may be a text', async () => {
  const policy = entraPolicy({ required_groups: ['ops'] }, { groups_claim: 'teams' })
  assert.equal((await permitFor({ ...entraClaims, teams: 'ops' }, policy)).actsAs, 'caller')
})

test('without groups_claim nobody is in a group, whatever a token says', async () => {
  const { groupsClaim: _none, ...policy } = entraPolicy({ required_groups: ['group-b'] })
  assert.equal((await answerFor(entraClaims, policy)).kind, 'policy')
})

for (const [rule, groups] of [
  ['a person in none of the required groups', ['group-a']],
  ['a group in another case', ['GROUP-Z']],
  ['a person without groups', undefined],
  ['groups that are no texts', [{ id: 'group-z' }, ['group-z'], null]],
  ['groups that are an object', { 'group-z': true }],
] as const) {
  test(`${rule} is refused by policy`, async () => {
    const policy = entraPolicy({ required_groups: ['group-z'] })
    assert.deepEqual(await answerFor({ ...entraClaims, groups }, policy), {
      kind: 'policy',
      status: 403,
      error: 'access_denied',
      description:
        'alice@contoso.com is in none of the groups that required_groups of resource prod lists (group-z); ask an administrator for membership, then sign in again.',
      challenge: 'none',
    })
  })
}

for (const [rule, overage] of [
  ['_claim_names', { _claim_names: { groups: 'src1' } }],
  ['hasgroups', { hasgroups: true }],
] as const) {
  test(`too many groups to be listed (${rule}) have words of their own`, async () => {
    const policy = entraPolicy({ required_groups: ['group-z'] })
    const answer = await answerFor({ ...without(entraClaims, 'groups'), ...overage }, policy)
    assert.equal(answer.kind, 'policy')
    assert.equal(
      answer.description,
      'alice@contoso.com is in so many groups that the token does not list them, and resource prod needs them for required_groups; let the identity provider put only assigned groups into tokens, or set identity_provider.resolve_groups.',
    )
  })
}

test('groups that are listed decide, also beside a sign that some are not', async () => {
  const policy = entraPolicy({ required_groups: ['group-a'] })
  const both = { ...entraClaims, _claim_names: { groups: 'src1' } }
  assert.equal((await permitFor(both, policy)).actsAs, 'caller')
})

test('no policy text has what signs people of HolmesGPT out', async () => {
  const policy = entraPolicy({
    name: 'unauthorized-401',
    required_groups: ['00000401-0000-4000-8000-000000000000'],
  })
  const claims = { ...entraClaims, upn: 'bob401@contoso.com' }
  const overage = { ...without(claims, 'groups'), hasgroups: true }
  for (const answer of [await answerFor(claims, policy), await answerFor(overage, policy)]) {
    assert.doesNotMatch(answer.description, /401|unauthorized/i)
    assert.match(answer.description, /^This user is in /)
  }
})

test('an upstream that acts as itself gets no bearer', async () => {
  const permit = await permitFor(entraClaims, entraPolicy({ upstream_identity: 'own' }))
  assert.equal(permit.actsAs, 'upstream')
  assert.equal(permit.bearer, undefined)
})

test('a principal of one resource cannot be authorized at another', async () => {
  const principal = await principalOf(signedToken(entraHeader, entraClaims), entraPolicy())
  assert.throws(() => authorize(principal, entraPolicy({ name: 'dev' })), /another resource/)
})

test('a principal or a permit that somebody else made does not compile, nor run', async () => {
  const policy = entraPolicy()
  const principal = await principalOf(signedToken(entraHeader, entraClaims), policy)
  // @ts-expect-error: only authenticate makes a principal
  assert.throws(() => authorize({ ...principal }, policy), TypeError)
  // @ts-expect-error: only authorize makes a permit
  const caller: Permit = { actsAs: 'caller', principal, bearer: 'x' }
  // @ts-expect-error: of either kind
  const upstream: Permit = { actsAs: 'upstream', principal, bearer: undefined }
  // @ts-expect-error: a permit is no principal
  assert.throws(() => authorize(caller, policy))
  assert.ok(upstream)
})
