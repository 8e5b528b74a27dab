import assert from 'node:assert/strict'
import { test } from 'node:test'
import { equal, rememberingDigest, sha256 } from '../../src/sealing/digest.ts'

test('a digest is the one of FIPS 180-4, in base64url unless asked for otherwise', () => {
  assert.equal(sha256('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
  assert.equal(sha256('abc', 'base64'), 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=')
  assert.equal(sha256(Buffer.from('abc'), 'hex').slice(0, 16), 'ba7816bf8f01cfea')
})

test('texts of any lengths can be compared, and only the same one is equal', () => {
  for (const [one, other, same] of [
    ['secret', 'secret', true],
    ['', '', true],
    ['secret', 'secret ', false],
    ['secret', '', false],
    ['é', 'e\u0301', false],
  ] as const) {
    assert.equal(equal(one, other), same, `${one} and ${other}`)
  }
})

test('a digest that remembers its last text is the same for every text, whatever came before', () => {
  const digest = rememberingDigest()
  const token = `${'a'.repeat(2_000)}.b`
  for (const text of ['', token, token, `${token}c`, token, `${'a'.repeat(1_999)}A.b`, '', 'é']) {
    assert.equal(digest(text), sha256(text), text)
  }
})
