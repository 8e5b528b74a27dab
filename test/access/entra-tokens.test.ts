import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourcePolicy } from '../../src/access/policy.ts'
import { rsaKeyPair } from '../support/rsa-keys.ts'
import {
  assertRefusal,
  audience,
  clientId,
  type ExpectedRefusal,
  entraClaims,
  entraHeader,
  entraPolicy,
  type Members,
  now,
  oidc,
  principalOf,
  refusalOf,
  signedToken,
  tenant,
  without,
} from './judged-tokens.ts'

const second = now / 1000
const v1 = `https://sts.windows.net/${tenant}/`
const v2 = `https://login.microsoftonline.com/${tenant}/v2.0`
const policy = entraPolicy()

interface Case {
  readonly header?: Members
  readonly claims?: Members
  readonly policy?: ResourcePolicy
}

const token = ({ header = entraHeader, claims = entraClaims }: Case) => signedToken(header, claims)

const accepted: Readonly<Record<string, Case>> = {
  'a v1 token of a user is accepted': {},
  'a v2 token of a user is accepted': {
    claims: { ...without(entraClaims, 'appid', 'appidacr', 'upn'), iss: v2, azp: clientId },
  },
  'a header without typ is accepted': { header: without(entraHeader, 'typ') },
  'header typ at+jwt is accepted in any case': { header: { ...entraHeader, typ: 'AT+JWT' } },
  'header typ application/at+jwt is accepted': {
    header: { ...entraHeader, typ: 'application/at+jwt' },
  },
  'appid and azp that agree are accepted': { claims: { ...entraClaims, azp: clientId } },
  'one of several audiences is enough': { claims: { ...entraClaims, aud: ['other', audience] } },
  'a token one second before its exp is accepted': { claims: { ...entraClaims, exp: second + 1 } },
  'nbf and iat 30 s ahead are accepted': {
    claims: { ...entraClaims, nbf: second + 30, iat: second + 30 },
  },
  'a token without nbf and iat is accepted': { claims: without(entraClaims, 'nbf', 'iat') },
  'any client passes where any is allowed': {
    claims: without(entraClaims, 'appid'),
    policy: entraPolicy({ allowed_clients: 'any' }),
  },
  'scopes are compared without case': {
    policy: entraPolicy({ required_scopes: ['User.Read', 'extra.scope'] }),
  },
  'a role satisfies a required scope': {
    claims: { ...entraClaims, roles: ['Reader'] },
    policy: entraPolicy({ required_scopes: ['reader', 'user.read'] }),
  },
  'an application passes where applications are allowed': {
    claims: { ...without(entraClaims, 'scp', 'upn'), idtyp: 'app' },
    policy: entraPolicy({ allow_app_tokens: true }),
  },
  'any audience passes behind the unsafe switch': {
    claims: { ...entraClaims, aud: 'anything' },
    policy: entraPolicy({ unsafe_any_audience: true }),
  },
  'token_issuers replaces the issuers': {
    claims: { ...entraClaims, iss: 'https://other.example' },
    policy: entraPolicy({ token_issuers: ['https://other.example'] }),
  },
  'with an authority the discovered issuer is accepted': {
    claims: { ...entraClaims, iss: `http://127.0.0.1:1/${tenant}/v2.0` },
    policy: entraPolicy(
      {},
      { authority: 'http://127.0.0.1:1' },
      `http://127.0.0.1:1/${tenant}/v2.0`,
    ),
  },
}

for (const [rule, row] of Object.entries(accepted)) {
  test(rule, async () => {
    const principal = await principalOf(token(row), row.policy ?? policy)
    assert.equal(principal.identity.sub, 'pairwise-alice')
  })
}

const bad = (reason: ExpectedRefusal['reason'], description: string | RegExp): ExpectedRefusal => ({
  reason,
  status: 401,
  error: 'invalid_token',
  description,
})

const idTokenWords =
  'This is an ID token, and this resource takes access tokens; send the access token of the same sign-in, see token_kind.'
const appTokenWords = (mark: string) =>
  `This is a token of an application, not of a user: ${mark}; sign in as a user, or set allow_app_tokens.`
const noScp = appTokenWords('it has no scp, which says what a user lets an application do')
const audienceWords = (aud: string) =>
  `The token is for ${aud}, and this resource takes tokens for ${audience}; ask for a token for that, or change audiences.`
const algorithmWords = (algorithm: string) =>
  `The token is signed with ${algorithm}, and signing_algorithms lists RS256; let the identity provider sign tokens for this resource with one of these, or change signing_algorithms.`
const typWords =
  'The typ in the header of the token is neither JWT nor at+jwt, so it is not an access token.'
const idClaims = {
  ...without(entraClaims, 'appid', 'appidacr', 'scp', 'upn'),
  aud: clientId,
  iss: v2,
  ver: '2.0',
}

const refused: Readonly<Record<string, Case & { readonly as: ExpectedRefusal }>> = {
  'alg none is refused': {
    header: { ...entraHeader, alg: 'none' },
    as: bad('algorithm_not_allowed', algorithmWords('none')),
  },
  'HS256 is refused': {
    header: { ...entraHeader, alg: 'HS256' },
    as: bad('algorithm_not_allowed', algorithmWords('HS256')),
  },
  'another case of the algorithm is refused': {
    header: { ...entraHeader, alg: 'rs256' },
    as: bad('algorithm_not_allowed', algorithmWords('rs256')),
  },
  'a token without alg is refused': {
    header: without(entraHeader, 'alg'),
    as: bad('algorithm_not_allowed', algorithmWords('no named algorithm')),
  },
  'an alg that is a list is refused': {
    header: { ...entraHeader, alg: ['RS256'] },
    as: bad('algorithm_not_allowed', algorithmWords('no named algorithm')),
  },
  'header typ dpop+jwt is refused': {
    header: { ...entraHeader, typ: 'dpop+jwt' },
    as: bad('wrong_header_type', typWords),
  },
  'header typ null is refused': {
    header: { ...entraHeader, typ: null },
    as: bad('wrong_header_type', typWords),
  },
  'header typ logout+jwt is told to be a logout token': {
    header: { ...entraHeader, typ: 'application/Logout+JWT' },
    as: bad('logout_token', 'This is a logout token; send the access token instead.'),
  },
  'crit is refused, empty too': {
    header: { ...entraHeader, crit: [] },
    as: bad(
      'critical_header',
      'The header of the token has critical extensions (crit), which are not supported.',
    ),
  },
  'a nonce in the header is told to be a Microsoft Graph token': {
    header: { ...entraHeader, nonce: 'abc' },
    claims: { ...entraClaims, aud: '00000003-0000-0000-c000-000000000000' },
    as: bad(
      'graph_token',
      `This is a Microsoft Graph token, which only Microsoft Graph can check; ask for the scope ${audience}/.default, openid instead.`,
    ),
  },
  'another issuer is refused': {
    claims: { ...entraClaims, iss: oidc.issuer },
    as: bad(
      'wrong_issuer',
      `The token is from issuer ${oidc.issuer}; this resource takes tokens from ${v2}, ${v1}, see token_issuers.`,
    ),
  },
  'an issuer without its slash is another issuer': {
    claims: { ...entraClaims, iss: v1.slice(0, -1) },
    as: bad('wrong_issuer', /^The token is from issuer https:\/\/sts\.windows\.net\/[^/]+; /),
  },
  'a token without issuer is refused': {
    claims: without(entraClaims, 'iss'),
    as: bad('wrong_issuer', /^The token names no issuer; /),
  },
  'an issuer that is a list is refused': {
    claims: { ...entraClaims, iss: [v1] },
    as: bad('wrong_issuer', /^The token names no issuer; /),
  },
  'an issuer with control characters is cleaned and cut in the words': {
    claims: { ...entraClaims, iss: `x\r\nSet-Cookie: a\u001b[31m${'y'.repeat(5000)}` },
    as: bad('wrong_issuer', /^The token is from issuer x\?\?Set-Cookie: a\?\[31my+\.\.\.; /),
  },
  'another tenant is refused': {
    claims: { ...entraClaims, tid: 'ffffffff-0000-4000-8000-000000000000' },
    as: bad(
      'wrong_tenant',
      `The token is from tenant ffffffff-0000-4000-8000-000000000000; sign in with an account in tenant ${tenant}, see tenant_id.`,
    ),
  },
  'a token without tenant is refused': {
    claims: without(entraClaims, 'tid'),
    as: bad(
      'wrong_tenant',
      `The token names no tenant; sign in with an account in tenant ${tenant}, see tenant_id.`,
    ),
  },
  'a token without exp is refused': {
    claims: without(entraClaims, 'exp'),
    as: bad('no_expiry', 'The token has no exp claim, and a token that never ends is not taken.'),
  },
  'an exp that is text is refused': {
    claims: { ...entraClaims, exp: String(second + 3600) },
    as: bad('malformed_claim', 'The claim exp of the token is malformed.'),
  },
  'an exp of null is refused': {
    claims: { ...entraClaims, exp: null },
    as: bad('malformed_claim', 'The claim exp of the token is malformed.'),
  },
  'an exp in milliseconds is refused': {
    claims: { ...entraClaims, exp: now + 3_600_000 },
    as: bad('malformed_claim', 'The claim exp of the token is malformed.'),
  },
  'an exp beyond every date is refused': {
    claims: { ...entraClaims, exp: 1e308 },
    as: bad('malformed_claim', 'The claim exp of the token is malformed.'),
  },
  'a token is refused from its exp on': {
    claims: { ...entraClaims, exp: second },
    as: bad('expired', 'The token expired 0 seconds ago; refresh it or sign in again.'),
  },
  'a fraction of a second of exp does not count': {
    claims: { ...entraClaims, exp: second + 0.999 },
    as: bad('expired', 'The token expired 0 seconds ago; refresh it or sign in again.'),
  },
  'a token one second after its exp is refused': {
    claims: { ...entraClaims, exp: second - 1 },
    as: bad('expired', 'The token expired 1 seconds ago; refresh it or sign in again.'),
  },
  'nbf 31 s ahead is refused': {
    claims: { ...entraClaims, nbf: second + 31 },
    as: bad(
      'not_yet_valid',
      'The token is valid only from 31 seconds from now (nbf); the clock of this server or of the identity provider may be wrong.',
    ),
  },
  'iat 31 s ahead is refused': {
    claims: { ...entraClaims, iat: second + 31 },
    as: bad('not_yet_valid', /^The token is valid only from 31 seconds from now \(iat\); /),
  },
  'an nbf that is text is refused': {
    claims: { ...entraClaims, nbf: '0' },
    as: bad('malformed_claim', 'The claim nbf of the token is malformed.'),
  },
  'an iat that is null is refused': {
    claims: { ...entraClaims, iat: null },
    as: bad('malformed_claim', 'The claim iat of the token is malformed.'),
  },
  'an unknown key is refused': {
    header: { ...entraHeader, kid: 'key-2' },
    as: bad(
      'unknown_key',
      'The token is signed with a key that the identity provider does not publish; sign in again.',
    ),
  },
  'a token bound to a key is refused': {
    claims: { ...entraClaims, cnf: { kid: 'x' } },
    as: bad(
      'bound_token',
      'The token is bound to a key of its client (cnf), so it cannot be passed on; ask for a plain bearer token without proof of possession.',
    ),
  },
  'an ID token is told so, before its audience': {
    claims: idClaims,
    as: bad('id_token', idTokenWords),
  },
  'an ID token with roles is told so': {
    claims: { ...idClaims, roles: ['Reader'] },
    as: bad('id_token', idTokenWords),
  },
  'an ID token with a nonce is told so': {
    claims: { ...idClaims, nonce: 'n' },
    as: bad('id_token', idTokenWords),
  },
  'an ID token is refused also where applications and its audience are allowed': {
    claims: idClaims,
    policy: entraPolicy({
      allow_app_tokens: true,
      allowed_clients: 'any',
      audiences: [clientId],
    }),
    as: bad('id_token', idTokenWords),
  },
  'a token for the client, without scp and roles, is an ID token': {
    claims: { ...idClaims, azp: clientId },
    as: bad('id_token', idTokenWords),
  },
  'at_hash says that it is an ID token': {
    claims: { ...entraClaims, at_hash: 'x' },
    as: bad('id_token', idTokenWords),
  },
  'c_hash says that it is an ID token': {
    claims: { ...entraClaims, c_hash: 'x' },
    as: bad('id_token', idTokenWords),
  },
  'another audience is refused': {
    claims: { ...entraClaims, aud: 'api://other' },
    as: bad('wrong_audience', audienceWords('api://other')),
  },
  'the own client id is no audience by itself': {
    claims: { ...entraClaims, aud: clientId },
    as: bad('wrong_audience', audienceWords(clientId)),
  },
  'a token without audience is refused': {
    claims: without(entraClaims, 'aud'),
    as: bad(
      'no_audience',
      `The token has no audience (aud); this resource takes tokens for ${audience}, and the identity provider has to put it there (Keycloak: an audience mapper on the client).`,
    ),
  },
  'an empty list of audiences is none': {
    claims: { ...entraClaims, aud: [] },
    as: bad('no_audience', /^The token has no audience/),
  },
  'an empty audience is none': {
    claims: { ...entraClaims, aud: '' },
    as: bad('no_audience', /^The token has no audience/),
  },
  'a token without audience is refused even where any is allowed': {
    claims: without(entraClaims, 'aud'),
    policy: entraPolicy({ unsafe_any_audience: true }),
    as: bad(
      'no_audience',
      'The token has no audience (aud); this resource takes only tokens that have one, and the identity provider has to put it there (Keycloak: an audience mapper on the client).',
    ),
  },
  'an audience beside something that is no text is refused': {
    claims: { ...entraClaims, aud: [audience, 1] },
    as: bad('malformed_claim', 'The claim aud of the token is malformed.'),
  },
  'an audience that is an object is refused': {
    claims: { ...entraClaims, aud: { 0: audience } },
    as: bad('malformed_claim', 'The claim aud of the token is malformed.'),
  },
  'no audience is configured: nothing passes': {
    policy: entraPolicy({ audiences: [] }),
    as: bad('wrong_audience', /this resource takes tokens for nothing; /),
  },
  'another client is refused by name, with the setting': {
    claims: { ...entraClaims, appid: '04b07795-8ddb-461a-bbee-02f9e1bf7b46' },
    as: bad(
      'wrong_client',
      'The token was issued to client 04b07795-8ddb-461a-bbee-02f9e1bf7b46, which is not in allowed_clients of this resource; sign in with a client that is, or add this one there.',
    ),
  },
  'appid and azp that differ are refused': {
    claims: { ...entraClaims, azp: 'other' },
    as: bad('clients_differ', `The token names two different clients, ${clientId}, other.`),
  },
  'appid and azp that differ are refused also where any client is allowed': {
    claims: { ...entraClaims, azp: 'other' },
    policy: entraPolicy({ allowed_clients: 'any' }),
    as: bad('clients_differ', /^The token names two different clients/),
  },
  'a client that is no text is refused': {
    claims: { ...entraClaims, azp: 5 },
    as: bad('malformed_claim', 'The claim azp of the token is malformed.'),
  },
  'a token that names no client is refused': {
    claims: without(entraClaims, 'appid'),
    as: bad('no_client', /^The token does not say which client it was issued to/),
  },
  'client_id names no client at Entra': {
    claims: { ...without(entraClaims, 'appid'), client_id: clientId },
    as: bad('no_client', /^The token does not say which client it was issued to/),
  },
  'a token without subject is refused': {
    claims: without(entraClaims, 'sub'),
    as: bad('no_subject', 'The token has no subject (sub), so it does not say whose it is.'),
  },
  'an oid that is no text is refused': {
    claims: { ...entraClaims, oid: 5 },
    as: bad('malformed_claim', 'The claim oid of the token is malformed.'),
  },
  'a token without scp is of an application': {
    claims: without(entraClaims, 'scp'),
    as: bad('app_token', noScp),
  },
  'a blank scp is none': {
    claims: { ...entraClaims, scp: ' ' },
    as: bad('app_token', noScp),
  },
  'an scp that is a list is none': {
    claims: { ...entraClaims, scp: ['user.read'] },
    as: bad('app_token', noScp),
  },
  'idtyp app is of an application, whatever its scp': {
    claims: { ...entraClaims, idtyp: 'App' },
    as: bad('app_token', appTokenWords('its idtyp is app')),
  },
  'a missing scope is refused with 403': {
    policy: entraPolicy({ required_scopes: ['user.read', 'kube.write'] }),
    as: {
      reason: 'insufficient_scope',
      status: 403,
      error: 'insufficient_scope',
      description:
        'The token lacks kube.write; required_scopes of this resource are user.read, kube.write.',
    },
  },
}

for (const [rule, row] of Object.entries(refused)) {
  test(rule, async () => {
    const refusal = await refusalOf(token(row), row.policy ?? policy)
    assertRefusal(refusal, row.as)
  })
}

test('a number beyond every number is no time', async () => {
  for (const claim of ['exp', 'nbf', 'iat']) {
    const members = JSON.stringify(without(entraClaims, claim)).slice(0, -1)
    for (const number of ['1e400', '-1e400']) {
      const refusal = await refusalOf(
        signedToken(entraHeader, `${members},"${claim}":${number}}`),
        policy,
      )
      assertRefusal(
        refusal,
        bad('malformed_claim', `The claim ${claim} of the token is malformed.`),
      )
    }
  }
})

test('a claim hidden in a prototype does not count', async () => {
  const members = JSON.stringify(without(entraClaims, 'exp')).slice(0, -1)
  const hidden = `${members},"__proto__":{"exp":${second + 3600}}}`
  assertRefusal(
    await refusalOf(signedToken(entraHeader, hidden), policy),
    bad('no_expiry', /^The token has no exp claim/),
  )
})

test('a token signed by another key under a known name is refused', async () => {
  const other = rsaKeyPair('another key')
  assertRefusal(
    await refusalOf(signedToken(entraHeader, entraClaims, other), policy),
    bad('bad_signature', 'The signature of the token is not right; sign in again.'),
  )
})

test('an issuer that discovery may still name decides nothing', async () => {
  const authority = 'http://127.0.0.1:1'
  const iss = `${authority}/${tenant}/v2.0`
  const before = entraPolicy({}, { authority })
  const v2Token = signedToken(entraHeader, { ...entraClaims, iss })
  const refusal = await refusalOf(v2Token, before)
  assertRefusal(refusal, {
    reason: 'unavailable',
    status: 503,
    error: 'temporarily_unavailable',
    description:
      'The token cannot be checked at the moment, because no keys of the identity provider are there yet; try again in 5 seconds.',
  })
  const after = entraPolicy({}, { authority }, `${authority}/${tenant}/v2.0`)
  await principalOf(v2Token, after)
  assertRefusal(
    await refusalOf(signedToken(entraHeader, { ...entraClaims, iss: 'https://x' }), after),
    bad('wrong_issuer', /^The token is from issuer https:\/\/x; /),
  )
})
