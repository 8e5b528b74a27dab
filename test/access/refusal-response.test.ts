import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason, Refusal } from '../../src/access/refusal.ts'
import { type RefusalResponse, refusalResponse } from '../../src/access/refusal-response.ts'
import { bearerChallenge } from '../../src/oauth/challenge.ts'

const hostile = `scope=x error="y" resource_metadata=\r\n\u001b[2J\u202e${'z'.repeat(9000)}`
const many = Array.from({ length: 300 }, () => hostile)

/** One refusal for each reason, with the worst that can be in it. The compiler asks for all. */
const samples: { readonly [R in Reason]: Extract<Refusal, { reason: R }> } = {
  no_token: { reason: 'no_token' },
  more_than_one_authorization: { reason: 'more_than_one_authorization' },
  malformed_authorization: { reason: 'malformed_authorization' },
  not_sealed: { reason: 'not_sealed' },
  session_ended: { reason: 'session_ended', by: 'request' },
  not_a_jwt: { reason: 'not_a_jwt' },
  algorithm_not_allowed: { reason: 'algorithm_not_allowed', algorithm: 'ES256', allowed: many },
  wrong_header_type: { reason: 'wrong_header_type' },
  critical_header: { reason: 'critical_header' },
  graph_token: { reason: 'graph_token', requestScopes: many },
  wrong_issuer: { reason: 'wrong_issuer', issuer: hostile, allowed: many },
  wrong_tenant: { reason: 'wrong_tenant', tenant: hostile, expected: hostile },
  malformed_claim: { reason: 'malformed_claim', claim: 'exp' },
  no_expiry: { reason: 'no_expiry' },
  expired: { reason: 'expired', secondsAgo: 5 },
  not_yet_valid: { reason: 'not_yet_valid', claim: 'nbf', secondsAhead: 5 },
  unknown_key: { reason: 'unknown_key' },
  bad_signature: { reason: 'bad_signature' },
  unavailable: { reason: 'unavailable', cause: 'no_keys_yet', retryAfter: 5 },
  refused_by_cluster: { reason: 'refused_by_cluster' },
  bound_token: { reason: 'bound_token' },
  id_token: { reason: 'id_token' },
  refresh_token: { reason: 'refresh_token' },
  logout_token: { reason: 'logout_token' },
  access_token: { reason: 'access_token' },
  no_audience: { reason: 'no_audience', allowed: many },
  wrong_audience: { reason: 'wrong_audience', audiences: many, allowed: many },
  no_client: { reason: 'no_client', claims: ['azp'] },
  clients_differ: { reason: 'clients_differ', clients: [hostile, hostile] },
  wrong_client: { reason: 'wrong_client', client: hostile },
  no_subject: { reason: 'no_subject', kind: 'oidc' },
  app_token: { reason: 'app_token', mark: 'its idtyp is app' },
  insufficient_scope: { reason: 'insufficient_scope', missing: many, required: many },
  not_in_required_groups: {
    reason: 'not_in_required_groups',
    user: hostile,
    resource: 'prod',
    required: many,
  },
  groups_not_in_token: {
    reason: 'groups_not_in_token',
    user: hostile,
    resource: 'prod',
    why: 'not_allowed',
  },
}

const refusals: readonly Refusal[] = Object.values(samples)

test('every description is one printable line of bounded length, whatever the token says', () => {
  for (const refusal of refusals) {
    const { description } = refusalResponse(refusal)
    assert.match(description, /^[\x20-\x7e]+\.$/, refusal.reason)
    assert.ok(description.length < 1500, `${refusal.reason}: ${description.length}`)
  }
})

test('no parameter of a challenge can be read inside a description', () => {
  for (const refusal of refusals) {
    const header = bearerChallenge({
      resourceMetadata: 'https://mcp.example.com/x',
      error: 'invalid_token',
      errorDescription: refusalResponse(refusal).description,
    })
    assert.equal(header.match(/[a-z_]+=/g)?.length, 3, header)
  }
})

const table: Readonly<
  Record<
    string,
    readonly [RefusalResponse['status'], RefusalResponse['challenge'], RefusalResponse['kind']]
  >
> = {
  no_token: [401, 'plain', 'http'],
  more_than_one_authorization: [400, 'none', 'http'],
  malformed_authorization: [400, 'none', 'http'],
  unavailable: [503, 'none', 'http'],
  insufficient_scope: [403, 'insufficient_scope', 'http'],
  not_in_required_groups: [403, 'none', 'policy'],
  groups_not_in_token: [403, 'none', 'policy'],
}

test('every other reason is a 401 with invalid_token', () => {
  for (const refusal of refusals) {
    const { status, challenge, kind } = refusalResponse(refusal)
    const expected = table[refusal.reason] ?? [401, 'invalid_token', 'http']
    assert.deepEqual([status, challenge, kind], expected, refusal.reason)
  }
})

test('only what is unavailable says when to come back, in whole seconds from one on', () => {
  for (const refusal of refusals) {
    const expected = refusal.reason === 'unavailable' ? 5 : undefined
    assert.equal(refusalResponse(refusal).retryAfter, expected)
  }
  assert.equal(refusalResponse({ ...samples.unavailable, retryAfter: 0 }).retryAfter, 1)
  assert.equal(refusalResponse({ ...samples.unavailable, retryAfter: 2.1 }).retryAfter, 3)
})
