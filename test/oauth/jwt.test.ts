import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readJwt } from '../../src/oauth/jwt.ts'

const part = (text: string | Uint8Array) => Buffer.from(text).toString('base64url')
const header = part('{"alg":"RS256"}')
const claims = part('{"sub":"alice"}')

test('a JWT is taken apart and keeps its exact text', () => {
  const compact = `${header}.${claims}.AAAA`
  assert.deepEqual(readJwt(compact), {
    compact,
    header: { alg: 'RS256' },
    claims: { sub: 'alice' },
  })
})

for (const [rule, compact] of [
  ['an empty text', ''],
  ['one part', 'opaque'],
  ['two parts', `${header}.${claims}`],
  ['five parts (an encrypted token)', `${header}.a.b.c.d`],
  ['an empty signature', `${header}.${claims}.`],
  ['an empty header', `.${claims}.AAAA`],
  ['padding', `${header}.${claims}.AAA=`],
  ['white space', `${header}.${claims}.AAAA `],
  ['the base64 alphabet', `${header}.${claims}.A+/A`],
  ['stray bits in the last character', `${header}.${claims}.AB`],
  ['a length that base64url cannot have', `${header}.${claims}.AAAAA`],
  ['a header that is no JSON', `${part('{')}.${claims}.AAAA`],
  ['a header that is a list', `${part('[]')}.${claims}.AAAA`],
  ['claims that are null', `${header}.${part('null')}.AAAA`],
  ['claims that are a text', `${header}.${part('"a"')}.AAAA`],
  ['claims that are no UTF-8', `${header}.${part(Buffer.from([0x7b, 0xff, 0x7d]))}.AAAA`],
] as const) {
  test(`${rule} is no JWT`, () => assert.equal(readJwt(compact), undefined))
}

test('a member named __proto__ stays a member', () => {
  const jwt = readJwt(`${header}.${part('{"__proto__":{"sub":"x"}}')}.AAAA`)
  assert.equal(jwt?.claims['sub'], undefined)
})
