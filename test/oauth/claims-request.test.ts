import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  LONGEST_CLAIMS_REQUEST,
  readClaimsRequest,
  readEncodedClaims,
} from '../../src/oauth/claims-request.ts'

const acrs = { access_token: { acrs: { essential: true, value: 'c1' } } }
const nbf = {
  access_token: {
    nbf: { essential: true, value: '1604106651' },
    xms_rp_ipaddr: { value: '203.0.113.7' },
  },
}
const policies = { access_token: { capolids: { essential: true, values: ['a-guid', 'b-guid'] } } }
const core = { id_token: { auth_time: { essential: true }, acr: null }, userinfo: { email: null } }

for (const [what, request] of Object.entries({ acrs, nbf, policies, core })) {
  test(`a claims request is passed on: ${what}`, () => {
    const text = JSON.stringify(request)
    assert.deepEqual(JSON.parse(readClaimsRequest(text) ?? ''), request)
    assert.deepEqual(JSON.parse(readClaimsRequest(` ${text}\n`) ?? ''), request)
    for (const encoding of ['base64', 'base64url'] as const) {
      const encoded = Buffer.from(text).toString(encoding)
      assert.equal(readEncodedClaims(encoded), readClaimsRequest(text))
    }
  })
}

test('what would make tokens for a day is taken out', () => {
  const capable = { xms_cc: { values: ['cp1'] } }
  assert.equal(readClaimsRequest(JSON.stringify({ access_token: capable })), '')
  const both = { access_token: { ...capable, ...acrs.access_token } }
  assert.equal(readClaimsRequest(JSON.stringify(both)), JSON.stringify(acrs))
})

test('of two members of one name one is passed on, and both read the same', () => {
  const twice = '{"access_token":{"acrs":{"value":"c1"},"acrs":{"value":"c2"}}}'
  assert.equal(readClaimsRequest(twice), '{"access_token":{"acrs":{"value":"c2"}}}')
})

for (const text of [
  '',
  'null',
  '[]',
  '7',
  '"text"',
  '{"access_token":null}',
  '{"access_token":[]}',
  '{"access_token":{"acrs":"c1"}}',
  '{"access_token":{"acrs":{"value":{"deep":true}}}}',
  '{"access_token":{"acrs":{"value":"c1","other":1}}}',
  '{"access_token":{"a b":null}}',
  '{"access_token":{"acrs":null},"other":{}}',
  '{"access_token":{"acrs":null}',
  '{"__proto__":{"acrs":null}}',
  `{"access_token":{"acrs":{"value":"${'x'.repeat(257)}"}}}`,
  JSON.stringify({ access_token: { acrs: { values: Array.from({ length: 51 }, () => 1) } } }),
  ' '.repeat(LONGEST_CLAIMS_REQUEST) + JSON.stringify(acrs),
  '\0',
]) {
  test(`no claims request: ${JSON.stringify(text.slice(0, 70))}`, () => {
    assert.equal(readClaimsRequest(text), undefined)
  })
}

test('a request may ask for nothing', () => {
  for (const text of ['{}', '{"access_token":{}}']) assert.equal(readClaimsRequest(text), '')
})
