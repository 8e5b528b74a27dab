import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { before, test } from 'node:test'
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose'
import { type KeySetRules, keysFitting, readKeySet } from '../../src/issuer/key-set.ts'
import { DocumentError } from '../../src/net/document-error.ts'
import { signingKey } from '../support/issuer-server.ts'

const rules: KeySetRules = {
  algorithms: ['RS256'],
  acceptsKey: () => true,
  acceptsMock: false,
}

let good: JWK
let withPrivateHalf: JWK
let weak: JWK
before(async () => {
  const key = await signingKey('good')
  good = key.jwk
  withPrivateHalf = { ...(await exportJWK(key.privateKey)), kid: 'good' }
  weak = (await signingKey('weak', 1024)).jwk
})

async function kept(keys: unknown[], changed: Partial<KeySetRules> = {}): Promise<number> {
  try {
    return keysFitting(await readKeySet({ keys }, { ...rules, ...changed }), 'RS256', undefined)
      .length
  } catch (error) {
    assert.ok(error instanceof DocumentError)
    assert.equal(error.reason, 'no_usable_key')
    return 0
  }
}

const taken: Record<string, () => unknown> = {
  'use sig, no alg': () => good,
  'no use': () => ({ ...good, use: undefined }),
  'alg RS256': () => ({ ...good, alg: 'RS256' }),
  'key_ops verify': () => ({ ...good, key_ops: ['verify'] }),
  'no kid': () => ({ ...good, kid: undefined }),
  'x5c that is nonsense': () => ({ ...good, x5c: ['AAAA'] }),
}

const ignored: Record<string, () => unknown> = {
  'use enc': () => ({ ...good, use: 'enc' }),
  'alg for encryption': () => ({ ...good, alg: 'RSA-OAEP' }),
  'alg that is not allowed': () => ({ ...good, alg: 'RS512' }),
  'key_ops without verify': () => ({ ...good, key_ops: ['encrypt'] }),
  'RSA of 1024 bits': () => weak,
  'RSA with exponent 1': () => ({ ...good, e: 'AQ' }),
  'private members': () => withPrivateHalf,
  symmetric: () => ({ kty: 'oct', k: 'AAAA', kid: 'good', alg: 'HS256' }),
  'RSA with a symmetric secret': () => ({ ...good, k: 'AAAA' }),
  'no modulus': () => ({ ...good, n: undefined }),
  'modulus of another type': () => ({ ...good, n: 5 }),
  'unknown type': () => ({ ...good, kty: 'XYZ' }),
  'not an object': () => 'key',
  null: () => null,
  'a list': () => [],
}

for (const [name, key] of Object.entries(taken)) {
  test(`a key is taken: ${name}`, async () => {
    assert.equal(await kept([JSON.parse(JSON.stringify(key()))]), 1)
  })
}

for (const [name, key] of Object.entries(ignored)) {
  test(`a key is ignored, and the others stay: ${name}`, async () => {
    assert.equal(await kept([key()]), 0)
    assert.equal(await kept([key(), good]), 1)
  })
}

test('the profile says which keys count', async () => {
  assert.equal(await kept([good], { acceptsKey: () => false }), 0)
})

test('a key of the mock identity provider is taken only where it may be', async () => {
  const document = { keys: [good], rolecall_mock_idp: true }
  await assert.rejects(readKeySet(document, rules), { reason: 'mock_marker' })
  assert.equal((await readKeySet(document, { ...rules, acceptsMock: true })).keys.length, 1)
})

test('a set of 100 keys is taken, of 101 not', async () => {
  assert.equal(await kept(Array.from({ length: 100 }, () => good)), 100)
  const keys = Array.from({ length: 101 }, () => good)
  await assert.rejects(readKeySet({ keys }, rules), { reason: 'too_many_keys' })
})

for (const document of [{}, [], null, 'keys', 7, { keys: {} }, { keys: null }]) {
  test(`not a key set: ${JSON.stringify(document)}`, async () => {
    await assert.rejects(readKeySet(document, rules), { reason: 'incomplete' })
  })
}

test('the id of a key is its RFC 7638 thumbprint, under whatever kid', async () => {
  const keySet = await readKeySet({ keys: [good, { ...good, kid: 'again' }] }, rules)
  assert.deepEqual([...keySet.ids], [await calculateJwkThumbprint(good)])
  assert.equal(keysFitting(keySet, 'RS256', 'again').length, 1)
  assert.equal(keysFitting(keySet, 'RS256', undefined).length, 2)
  assert.equal(keysFitting(keySet, 'RS256', 'other').length, 0)
  assert.equal(keysFitting(keySet, 'ES256', 'good').length, 0)
})

test('each algorithm picks keys of its own type and curve', async () => {
  const p256 = await exportJWK(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)
  const p384 = await exportJWK(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey)
  const ed25519 = await exportJWK(generateKeyPairSync('ed25519').publicKey)
  const algorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'HS256', 'none']
  const keySet = await readKeySet({ keys: [good, p256, p384, ed25519] }, { ...rules, algorithms })
  const counts = algorithms.map((it) => keysFitting(keySet, it, undefined).length)
  assert.deepEqual(counts, [1, 1, 1, 1, 1, 0, 0])
})

for (const [what, keys, words] of [
  ['an empty one', [], 'the key set is empty'],
  [
    'one for other algorithms',
    [
      { kty: 'EC', crv: 'P-256' },
      { kty: 'EC', crv: 'P-256' },
      { kty: 'OKP', crv: 'Ed25519' },
    ],
    'the key set has no usable key for RS256, only EC P-256, OKP Ed25519',
  ],
  [
    'one of nothing that is known',
    [{ kty: 'BODY', crv: 'BODY' }, 'BODY'],
    'the key set has no usable key for RS256',
  ],
] as const) {
  test(`a key set without a usable key says what is there: ${what}`, async () => {
    await assert.rejects(readKeySet({ keys }, rules), (error) => {
      assert.ok(error instanceof DocumentError)
      assert.equal(error.reason, 'no_usable_key')
      assert.equal(error.message, words)
      return true
    })
  })
}
