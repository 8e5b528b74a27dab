import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maskedArguments } from '../../src/observe/masked-arguments.ts'

const mask = '********'
const jwt = `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.${'s'.repeat(20)}`
const rows: readonly (readonly [object, object])[] = [
  [{ namespace: 'a', name: 'b', replicas: 2 }, { namespace: 'a', name: 'b', replicas: 2 }],
  [{ password: 'x', userPassword: 'x', passwd: 1, passphrase: 'x' }, { password: mask, userPassword: mask, passwd: mask, passphrase: mask }],
  [{ token: 'x', accessToken: 'x', client_secret: 'x', 'api-key': 'x', apiKey: 'x' }, { token: mask, accessToken: mask, client_secret: mask, 'api-key': mask, apiKey: mask }],
  [{ credentials: { user: 'a' }, kubeconfig: 'x' }, { credentials: mask, kubeconfig: mask }],
  [{ a: [{ b: { token: 'x', c: 'd' } }] }, { a: [{ b: { token: mask, c: 'd' } }] }],
  [{ text: `see ${jwt} here` }, { text: `see ${mask} here` }],
  [{ text: 'Authorization: Bearer abcdefgh' }, { text: `Authorization: Bearer ${mask}` }],
  [{ url: 'https://me:hunter2@example.com/a' }, { url: `https://me:${mask}@example.com/a` }],
  [{ args: ['--password=hunter2', '-n', 'a'] }, { args: [`--password=${mask}`, '-n', 'a'] }],
  [{ text: '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----' }, { text: mask }],
  [{ resource: 'apiVersion: v1\nkind: Secret\ndata:\n  a: aHVudGVyMg==\n' }, { resource: mask }],
  [{ resource: '{"kind":"Secret","data":{"a":"aHVudGVyMg=="}}' }, { resource: mask }],
  [{ kind: 'Secret', metadata: { name: 'a' }, data: { a: 'b' }, stringData: { a: 'b' } }, { kind: 'Secret', metadata: { name: 'a' }, data: mask, stringData: mask }],
  [{ kind: 'ConfigMap', data: { a: 'b' } }, { kind: 'ConfigMap', data: { a: 'b' } }],
  [{ keys: 'a', monkey: 'b', tokens_per_second: 3 }, { keys: 'a', monkey: 'b', tokens_per_second: mask }],
] // biome-ignore format: one row a line
for (const [given, shown] of rows) {
  test(`${JSON.stringify(given).slice(0, 100)} is shown without its secrets`, () => {
    assert.deepEqual(maskedArguments(JSON.stringify(given)), shown)
  })
}

test('what is shown is bounded in length and depth, and costs little', () => {
  const long = maskedArguments(JSON.stringify({ text: 'x'.repeat(60_000) })) as { text: string }
  assert.equal(long.text.length, 2001)
  assert.equal(maskedArguments(`"${'x'.repeat(100_000)}"`), '(100002 characters)')
  const deep = JSON.stringify(maskedArguments('['.repeat(5_000) + ']'.repeat(5_000)))
  assert.ok(deep.length < 100)
  const began = performance.now()
  for (const part of [
    'secret=',
    '://a:',
    'eyJ',
    '-----BEGIN PRIVATE KEY-----',
    'Bearer ',
    'a"\':=',
  ]) {
    maskedArguments(JSON.stringify({ text: part.repeat(60_000 / part.length) }))
  }
  assert.ok(performance.now() - began < 2_000, 'no text makes a pattern slow')
})
