import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourcePolicy } from '../../src/access/policy.ts'
import {
  assertRefusal,
  type ExpectedRefusal,
  entraHeader,
  type Members,
  oidc,
  oidcClaims,
  oidcPolicy,
  principalOf,
  refusalOf,
  signedToken,
  without,
} from './judged-tokens.ts'

const policy = oidcPolicy()
const idDemands = oidcPolicy({ token_kind: 'id_token', audiences: ['rolecall'] })
const dexClaims = { ...without(oidcClaims, 'typ', 'azp', 'scope'), aud: 'rolecall' }

interface Case {
  readonly header?: Members
  readonly claims?: Members
  readonly policy?: ResourcePolicy
}

const token = ({ header = entraHeader, claims = oidcClaims }: Case) => signedToken(header, claims)

const accepted: Readonly<Record<string, Case>> = {
  "a user's access token is accepted": {},
  'a scope claim that is a list counts (Spring)': {
    claims: { ...oidcClaims, scope: ['openid', 'kube'] },
    policy: oidcPolicy({ required_scopes: ['kube'] }),
  },
  'client_id names the client (RFC 9068)': {
    claims: { ...without(oidcClaims, 'azp'), client_id: 'rolecall' },
  },
  'a token of no named client passes where any is allowed': {
    claims: without(oidcClaims, 'azp'),
    policy: oidcPolicy({ allowed_clients: 'any' }),
  },
  'a nonce in the header means nothing here': { header: { ...entraHeader, nonce: 'x' } },
  'a nonce in an access token is let be (Keycloak)': { claims: { ...oidcClaims, nonce: 'x' } },
  'no tenant is asked for': { claims: { ...oidcClaims, tid: 'other' } },
  'an application passes where applications are allowed': {
    claims: { ...oidcClaims, preferred_username: 'service-account-ci' },
    policy: oidcPolicy({ allow_app_tokens: true }),
  },
  'an ID token passes where ID tokens are asked for': {
    claims: { ...dexClaims, typ: 'ID', at_hash: 'x' },
    policy: idDemands,
  },
  'an unmarked token passes where ID tokens are asked for (Dex)': {
    claims: dexClaims,
    policy: idDemands,
  },
  "an ID token's azp names its client": {
    claims: { ...dexClaims, aud: ['kubernetes', 'rolecall'], azp: 'rolecall' },
    policy: idDemands,
  },
}

for (const [rule, row] of Object.entries(accepted)) {
  test(rule, async () => {
    const principal = await principalOf(token(row), row.policy ?? policy)
    assert.equal(principal.identity.sub, '5b1c7a52-alice')
  })
}

const bad = (reason: ExpectedRefusal['reason'], description: string | RegExp): ExpectedRefusal => ({
  reason,
  status: 401,
  error: 'invalid_token',
  description,
})

const isId = bad('id_token', /^This is an ID token, and this resource takes access tokens; /)
const isRefresh = bad('refresh_token', 'This is a refresh token; send the access token instead.')
const isLogout = bad('logout_token', 'This is a logout token; send the access token instead.')
const isAccess = bad(
  'access_token',
  'This is an access token, and this resource takes ID tokens; send the ID token of the same sign-in, see token_kind.',
)
const refused: Readonly<Record<string, Case & { readonly as: ExpectedRefusal }>> = {
  'payload typ ID is an ID token, in any case': {
    claims: { ...oidcClaims, typ: 'id' },
    as: isId,
  },
  'an ID token for the client is told so, before its audience': {
    claims: { ...dexClaims, typ: 'ID' },
    as: isId,
  },
  'at_hash is an ID token': { claims: { ...oidcClaims, at_hash: 'x' }, as: isId },
  'c_hash is an ID token': { claims: { ...oidcClaims, c_hash: null }, as: isId },
  'token_use id is an ID token (Cognito)': {
    claims: { ...without(oidcClaims, 'typ'), token_use: 'id' },
    as: isId,
  },
  'payload typ Refresh is a refresh token': {
    claims: { ...oidcClaims, typ: 'Refresh' },
    as: isRefresh,
  },
  'payload typ Offline is a refresh token': {
    claims: { ...oidcClaims, typ: 'Offline' },
    as: isRefresh,
  },
  'payload typ Logout is a logout token': {
    claims: { ...oidcClaims, typ: 'Logout' },
    as: isLogout,
  },
  'a logout event is a logout token': {
    claims: {
      ...without(oidcClaims, 'typ'),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    },
    as: isLogout,
  },
  'payload typ Bearer is refused where ID tokens are asked for': {
    claims: { ...dexClaims, typ: 'Bearer' },
    policy: idDemands,
    as: isAccess,
  },
  'header typ at+jwt is refused where ID tokens are asked for': {
    header: { ...entraHeader, typ: 'at+jwt' },
    claims: dexClaims,
    policy: idDemands,
    as: isAccess,
  },
  'a refresh token is refused where ID tokens are asked for': {
    claims: { ...dexClaims, typ: 'Refresh' },
    policy: idDemands,
    as: isRefresh,
  },
  'a trailing slash makes another issuer': {
    claims: { ...oidcClaims, iss: `${oidc.issuer}/` },
    as: bad(
      'wrong_issuer',
      `The token is from issuer ${oidc.issuer}/; this resource takes tokens from ${oidc.issuer}, see token_issuers.`,
    ),
  },
  'a token without audience is refused (Keycloak without a mapper)': {
    claims: without(oidcClaims, 'aud'),
    as: bad(
      'no_audience',
      'The token has no audience (aud); this resource takes tokens for kubernetes, and the identity provider has to put it there (Keycloak: an audience mapper on the client).',
    ),
  },
  'a token without subject is refused (Keycloak lightweight)': {
    claims: without(oidcClaims, 'sub'),
    as: bad(
      'no_subject',
      'The token has no subject (sub), so it does not say whose it is; let the identity provider put it there (Keycloak: the client scope basic), or set user_claim to the claim that names users (AD FS: upn).',
    ),
  },
  'another client is refused': {
    claims: { ...oidcClaims, azp: 'grafana' },
    as: bad('wrong_client', /^The token was issued to client grafana, which is not in allowed_cl/),
  },
  'azp and client_id that differ are refused': {
    claims: { ...oidcClaims, client_id: 'grafana' },
    as: bad('clients_differ', 'The token names two different clients, rolecall, grafana.'),
  },
  'an access token that names no client is refused: its audience is not its client': {
    claims: { ...without(oidcClaims, 'azp'), aud: 'kubernetes' },
    policy: oidcPolicy({ allowed_clients: ['kubernetes'] }),
    as: bad(
      'no_client',
      'The token does not say which client it was issued to (azp, client_id, cid, appid), and this resource takes only those in allowed_clients; set client_claim to the claim that names it.',
    ),
  },
  'an ID token with two audiences and no azp names no client': {
    claims: { ...dexClaims, aud: ['rolecall', 'kubernetes'] },
    policy: idDemands,
    as: bad('no_client', /^The token does not say which client/),
  },
  'a required scope in another case is missing': {
    claims: { ...oidcClaims, scope: 'Kube' },
    policy: oidcPolicy({ required_scopes: ['kube'] }),
    as: {
      reason: 'insufficient_scope',
      status: 403,
      error: 'insufficient_scope',
      description: 'The token lacks kube; required_scopes of this resource are kube.',
    },
  },
}

for (const [rule, row] of Object.entries(refused)) {
  test(rule, async () => {
    assertRefusal(await refusalOf(token(row), row.policy ?? policy), row.as)
  })
}
