import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeAnswer } from '../../../src/forward/answer/answer-verdict.ts'

for (const status of [200, 202, 204, 400, 403, 404, 405, 406, 415, 429, 500, 503]) {
  test(`an upstream's ${status} passes`, () => {
    assert.deepEqual(judgeAnswer(status, {}), { kind: 'pass' })
  })
}

for (const status of [300, 301, 302, 303, 304, 307, 308]) {
  test(`an upstream's ${status} would send the client past us`, () => {
    assert.deepEqual(judgeAnswer(status, { location: 'http://x' }), { kind: 'refused' })
  })
}

const challenge = (value: string | string[]) => ({ 'www-authenticate': value as string })

test("an upstream's 401 would make the client throw a good token away", () => {
  assert.deepEqual(judgeAnswer(401, challenge('Bearer error="invalid_token"')), {
    kind: 'refused',
  })
  assert.deepEqual(judgeAnswer(401, {}), { kind: 'refused' })
})

test("Entra's wish for other claims is handed on", () => {
  const value =
    'Bearer realm="", authorization_uri="https://login.example/authorize", error="insufficient_claims", claims="eyJhIjp7fX0="'
  assert.deepEqual(judgeAnswer(401, challenge(value)), {
    kind: 'claims_wanted',
    claims: 'eyJhIjp7fX0=',
  })
})

for (const value of [
  'Bearer error="insufficient_claims"',
  'Bearer error="insufficient_claims", claims="not base64!"',
  'Bearer error="insufficient_claims", xclaims="eyJh"',
  'Bearer xerror="insufficient_claims", claims="eyJh"',
]) {
  test(`${value} is no wish for claims`, () => {
    assert.deepEqual(judgeAnswer(401, challenge(value)), { kind: 'refused' })
  })
}
