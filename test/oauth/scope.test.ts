import assert from 'node:assert/strict'
import { test } from 'node:test'
import { member, text, texts } from '../../src/oauth/claims.ts'
import { printable } from '../../src/oauth/printable.ts'
import { grantedScopes, splitScope } from '../../src/oauth/scope.ts'

const rows: readonly (readonly [string, unknown, readonly string[]])[] = [
  ['a string is split at spaces', 'a  b ', ['a', 'b']],
  ['an array is taken entry by entry', ['a', 'b c', ''], ['a', 'b c']],
  ['entries that are no strings grant nothing', ['a', 1, null, ['b'], {}], ['a']],
  ['an empty string grants nothing', ' ', []],
  ['a number grants nothing', 1, []],
  ['an object grants nothing', { 0: 'a', length: 1 }, []],
  ['an absent claim grants nothing', undefined, []],
  ['another white space does not separate', 'a\u00a0b\tc', ['a\u00a0b\tc']],
]

for (const [rule, value, expected] of rows) {
  test(rule, () => assert.deepEqual(splitScope(value), expected))
}

test('scp, scope and roles count together', () => {
  assert.deepEqual(grantedScopes({ scp: 'a b', scope: ['c'], roles: ['d'] }), ['a', 'b', 'c', 'd'])
})

test('what every object inherits is no claim', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.equal(member({}, name), undefined)
    assert.equal(text({}, name), undefined)
    assert.deepEqual(texts({}, name), [])
  }
  const hostile = JSON.parse('{"__proto__":{"aud":"x"}}')
  assert.equal(member(hostile, 'aud'), undefined)
})

test('printable text is cut and has no character beyond printable ASCII', () => {
  assert.equal(printable('a\u001b[31m\r\né\u202e'), 'a?[31m????')
  const cut = printable('x'.repeat(5000))
  assert.equal(cut.length, 100)
  assert.ok(cut.endsWith('x...'))
})
