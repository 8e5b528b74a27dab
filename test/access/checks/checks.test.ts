import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checks, refuseSigned, refuseUnsigned } from '../../../src/access/checks/checks.ts'
import { readJwt } from '../../../src/oauth/jwt.ts'
import {
  entraClaims,
  entraHeader,
  entraPolicy,
  now,
  oidcClaims,
  oidcPolicy,
  signedToken,
} from '../judged-tokens.ts'

function jwt(header: object, claims: object) {
  const read = readJwt(signedToken({ ...header }, { ...claims }))
  assert.ok(read)
  return read
}

test('the order of the checks', () => {
  assert.deepEqual(
    checks.map(({ name }) => name),
    [
      'algorithm',
      'header type',
      'critical header',
      'not a Microsoft Graph token',
      'issuer',
      'tenant',
      'not expired',
      'not before',
      'issued at',
      'signature',
      'not bound to a key',
      'token kind',
      'audience',
      'client',
      'subject',
      'user token',
      'scopes',
    ],
  )
})

test('the signature has one place in the list', () => {
  assert.equal(checks.filter(({ kind }) => kind === 'signature').length, 1)
})

test('before the signature nothing is said that only a signed token is told', () => {
  const token = jwt(entraHeader, { ...entraClaims, aud: 'other', appid: 'other', cnf: {} })
  assert.equal(refuseUnsigned(token, entraPolicy(), now), undefined)
  assert.equal(refuseSigned(token, entraPolicy(), now)?.reason, 'bound_token')
})

test('a good token passes every check, and each says what it expected and found', () => {
  for (const [token, policy] of [
    [jwt(entraHeader, entraClaims), entraPolicy({ required_scopes: ['user.read'] })],
    [jwt(entraHeader, oidcClaims), oidcPolicy({ allowed_clients: 'any' })],
  ] as const) {
    for (const check of checks) {
      if (check.kind === 'signature') continue
      assert.equal(check.refuse(token, policy, now), undefined, check.name)
      assert.match(check.expected(policy, now), /^[\x20-\x7e]+$/, check.name)
      assert.match(check.found(token), /^[\x20-\x7e]+$/, check.name)
    }
  }
})

test('what was found is printable and bounded, whatever the token says', () => {
  const names = Object.keys({ ...entraClaims, ...oidcClaims, idtyp: 0, gty: 0, cnf: 0, nonce: 0 })
  const long = `\r\n\u001b[2J\u202e"${'x'.repeat(9000)}`
  for (const value of [long, [long, long], { [long]: long }, null, 1e308, -1, true, [], {}, '']) {
    const claims = Object.fromEntries(names.map((name) => [name, value]))
    const token = jwt({ alg: value, typ: value, crit: value, nonce: value }, claims)
    for (const check of checks) {
      if (check.kind === 'signature') continue
      const found = check.found(token)
      assert.match(found, /^[\x20-\x7e]*$/, check.name)
      assert.ok(found.length < 700, `${check.name}: ${found.length}`)
    }
  }
})

test('every check but those of the format names a setting', () => {
  const settings = checks.flatMap((check) =>
    check.kind === 'check' && check.setting ? [check.setting] : [],
  )
  assert.deepEqual(settings, [
    'signing_algorithms',
    'request_scopes',
    'token_issuers',
    'tenant_id',
    'token_kind',
    'audiences',
    'allowed_clients',
    'user_claim',
    'allow_app_tokens',
    'required_scopes',
  ])
})
