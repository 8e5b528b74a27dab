import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorize } from '../../src/access/authorize.ts'
import type { ResourcePolicy } from '../../src/access/policy.ts'
import { refusalResponse } from '../../src/access/refusal-response.ts'
import {
  audience,
  clientId,
  entraClaims,
  entraHeader,
  entraPolicy,
  type Members,
  oidcClaims,
  oidcPolicy,
  principalOf,
  refusalOf,
  signedToken,
  tenant,
  without,
} from './judged-tokens.ts'

interface Case {
  readonly claims: Members
  readonly policy: ResourcePolicy
}

const unnamed = without(oidcClaims, 'azp')
const agent = 'a9e11700-aaaa-4bbb-8ccc-ddddeeeeffff'
const blueprint = 'b10e0000-0000-4000-8000-000000000001'
const agentClaims = { ...entraClaims, appid: agent, xms_par_app_azp: blueprint }
const capitals = (text: string) => text.toUpperCase()

const accepted: Readonly<Record<string, Case & { readonly azp: string | undefined }>> = {
  'Okta names its client in cid': {
    claims: { ...unnamed, cid: 'rolecall', scp: ['openid'] },
    policy: oidcPolicy(),
    azp: 'rolecall',
  },
  'AD FS names its client in appid': {
    claims: { ...unnamed, appid: 'rolecall' },
    policy: oidcPolicy(),
    azp: 'rolecall',
  },
  'all four may be there and agree': {
    claims: { ...oidcClaims, client_id: 'rolecall', cid: 'rolecall', appid: 'rolecall' },
    policy: oidcPolicy(),
    azp: 'rolecall',
  },
  'client_claim says which claim counts, and no other': {
    claims: { ...oidcClaims, azp: 'portal', application: 'rolecall' },
    policy: oidcPolicy({}, { client_claim: 'application' }),
    azp: 'rolecall',
  },
  'client_claim counts for Entra too': {
    claims: { ...entraClaims, appid: 'portal', azp: clientId },
    policy: entraPolicy({}, { client_claim: 'azp' }),
    azp: clientId,
  },
  'an agent may be listed': {
    claims: agentClaims,
    policy: entraPolicy({ allowed_clients: [agent] }),
    azp: agent,
  },
  'so may the blueprint of an agent, which is still logged as itself': {
    claims: agentClaims,
    policy: entraPolicy({ allowed_clients: [blueprint] }),
    azp: agent,
  },
  'the GUIDs of Entra count without regard to case': {
    claims: {
      ...entraClaims,
      aud: capitals(audience),
      appid: capitals(clientId),
      azp: clientId,
      tid: capitals(tenant),
    },
    policy: entraPolicy(),
    azp: clientId,
  },
  'so do those of the configuration, within an address too': {
    claims: { ...entraClaims, aud: `api://${audience}` },
    policy: entraPolicy({
      audiences: [`api://${capitals(audience)}`],
      allowed_clients: [capitals(clientId)],
    }),
    azp: clientId,
  },
  'and that of a blueprint': {
    claims: { ...agentClaims, xms_par_app_azp: capitals(blueprint) },
    policy: entraPolicy({ allowed_clients: [blueprint] }),
    azp: agent,
  },
}

for (const [rule, { claims, policy, azp }] of Object.entries(accepted)) {
  test(rule, async () => {
    const principal = await principalOf(signedToken(entraHeader, claims), policy)
    assert.equal(principal.identity.azp, azp)
  })
}

const refused: Readonly<Record<string, Case & { readonly words: RegExp }>> = {
  'cid and azp that differ': {
    claims: { ...oidcClaims, cid: 'grafana' },
    policy: oidcPolicy(),
    words: /names two different clients, rolecall, grafana/,
  },
  'another cid': {
    claims: { ...unnamed, cid: 'grafana' },
    policy: oidcPolicy(),
    words: /issued to client grafana, which is not in allowed_clients/,
  },
  'a cid that is a list': {
    claims: { ...unnamed, cid: ['rolecall'] },
    policy: oidcPolicy(),
    words: /The claim cid of the token is malformed/,
  },
  'no claim of client_claim, whatever azp says': {
    claims: oidcClaims,
    policy: oidcPolicy({}, { client_claim: 'application' }),
    words: /which client it was issued to \(application\).*set client_claim/,
  },
  'an agent of another blueprint': {
    claims: agentClaims,
    policy: entraPolicy(),
    words: new RegExp(`issued to client ${agent}`),
  },
  'a blueprint alone, without a client': {
    claims: { ...without(entraClaims, 'appid'), xms_par_app_azp: blueprint },
    policy: entraPolicy({ allowed_clients: [blueprint] }),
    words: /which client it was issued to/,
  },
  'a blueprint that another provider names': {
    claims: { ...oidcClaims, azp: 'agent', xms_par_app_azp: 'rolecall' },
    policy: oidcPolicy(),
    words: /issued to client agent/,
  },
  'a client id of another provider in capitals': {
    claims: { ...oidcClaims, azp: 'ROLECALL' },
    policy: oidcPolicy(),
    words: /issued to client ROLECALL/,
  },
}

for (const [rule, { claims, policy, words }] of Object.entries(refused)) {
  test(`${rule} is refused`, async () => {
    const refusal = await refusalOf(signedToken(entraHeader, claims), policy)
    const { description } = refusalResponse(refusal)
    assert.match(description, words)
    assert.doesNotMatch(description, /\*/, 'nobody is told to take any client')
  })
}

test('groups of Entra count without regard to case, and no other group does', async () => {
  const guid = 'abcdefab-0000-4000-8000-00000000000a'
  const policy = entraPolicy({ required_groups: [guid, 'Ops'] })
  for (const [group, kind] of [
    [capitals(guid), 'permit'],
    ['Ops', 'permit'],
    ['ops', 'refused'],
  ] as const) {
    const token = signedToken(entraHeader, { ...entraClaims, groups: [group] })
    assert.equal(authorize(await principalOf(token, policy), policy).kind, kind, group)
  }
})
