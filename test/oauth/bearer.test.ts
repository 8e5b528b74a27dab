import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BearerReading, readBearer } from '../../src/oauth/bearer.ts'

const rows: readonly (readonly [string, readonly string[], BearerReading])[] = [
  ['no header is no credentials', [], { kind: 'none' }],
  ['an empty header is no credentials', [''], { kind: 'none' }],
  ['a bare scheme is no credentials', ['Bearer'], { kind: 'none' }],
  ['a scheme and spaces are no credentials', ['Bearer   '], { kind: 'none' }],
  ['another scheme is no credentials', ['Basic YTpi'], { kind: 'none' }],
  ['a longer scheme name is another scheme', ['Bearerx a'], { kind: 'none' }],
  ['a token without a scheme is no credentials', ['a.b.c'], { kind: 'none' }],
  ['one token is read', ['Bearer a.b.c'], { kind: 'token', token: 'a.b.c' }],
  ['the case of the scheme does not matter', ['bEARER a.b.c'], { kind: 'token', token: 'a.b.c' }],
  [
    'several spaces before the token are one',
    ['Bearer   a.b.c'],
    { kind: 'token', token: 'a.b.c' },
  ],
  ['the token keeps its case', ['bearer AbC'], { kind: 'token', token: 'AbC' }],
  ['odd characters are left to the token', ['Bearer a,b;"'], { kind: 'token', token: 'a,b;"' }],
  ['a tab parts words too', ['Bearer\ta.b.c\t'], { kind: 'token', token: 'a.b.c' }],
  ['spaces around it are not the token', ['  Bearer a  '], { kind: 'token', token: 'a' }],
  [
    'a no-break space belongs to the token',
    ['Bearer a\u00a0'],
    { kind: 'token', token: 'a\u00a0' },
  ],
  ['two words after the scheme are malformed', ['Bearer a b'], { kind: 'malformed' }],
  ['two joined headers are malformed', ['Bearer a, Bearer b'], { kind: 'malformed' }],
  ['two headers are more than one', ['Bearer a', 'Bearer a'], { kind: 'more_than_one' }],
  ['an empty second header is more than one', ['Bearer a', ''], { kind: 'more_than_one' }],
  ['another scheme beside is more than one', ['Basic a', 'Bearer b'], { kind: 'more_than_one' }],
]

for (const [rule, values, expected] of rows) {
  test(rule, () => assert.deepEqual(readBearer(values), expected))
}

test('a header of a megabyte of spaces is read in no time', () => {
  const began = performance.now()
  assert.deepEqual(readBearer([`Bearer ${' '.repeat(1 << 20)}a b`]), { kind: 'malformed' })
  assert.ok(performance.now() - began < 1000)
})
