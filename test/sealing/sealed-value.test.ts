import assert from 'node:assert/strict'
import { createCipheriv, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { CompactEncrypt, compactDecrypt } from 'jose'
import { deriveKeys, type KeyRing } from '../../src/sealing/derived-keys.ts'
import { open, openBytes, seal, sealBytes } from '../../src/sealing/sealed-value.ts'

const sealingKey = () => randomBytes(32).toString('base64url')
const ringOf = (...keys: string[]): KeyRing => deriveKeys(keys).for('refresh token')
const value = { text: 'what is sealed', number: 1, list: ['a', 'b'] }

test('what was sealed opens again, and shows nothing of itself', async () => {
  const keys = ringOf(sealingKey())
  const sealed = await seal(value, keys)
  assert.deepEqual(await open(sealed, keys), value)
  const readable = sealed
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
  assert.ok(!readable.join().includes('what is sealed'))
})

test('a value sealed for one purpose does not open for another', async () => {
  const keys = deriveKeys([sealingKey()])
  const sealed = await seal(value, keys.for('refresh token'))
  assert.equal(await open(sealed, keys.for('mcp session id')), undefined)
})

test('the first key seals and all open: a key is replaced without ending anything', async () => {
  const [before, after] = [sealingKey(), sealingKey()]
  const sealed = await seal(value, ringOf(before))
  assert.deepEqual(await open(sealed, ringOf(after, before)), value)
  assert.equal(await open(sealed, ringOf(after)), undefined)
  const next = await seal(value, ringOf(after, before))
  assert.deepEqual(await open(next, ringOf(after)), value)
})

test('every single changed character makes a sealed value worthless', async () => {
  const keys = ringOf(sealingKey())
  const sealed = await seal(value, keys)
  for (let i = 0; i < sealed.length; i += 1) {
    const other = sealed[i] === 'A' ? 'B' : 'A'
    const altered = sealed.slice(0, i) + other + sealed.slice(i + 1)
    assert.equal(await open(altered, keys), undefined, `character ${i}`)
  }
})

test('another spelling of the same bytes is not the same value', async () => {
  const keys = ringOf(sealingKey())
  const sealed = await seal(value, keys)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(sealed.at(-1) ?? '')
  for (let bits = 1; bits < 16; bits += 1) {
    // The tag has 16 bytes: four bits of its last character mean nothing.
    const respelled = sealed.slice(0, -1) + alphabet[last ^ bits]
    assert.equal(await open(respelled, keys), undefined)
  }
  for (const respelled of [`${sealed}=`, `${sealed}\n`, ` ${sealed}`, `${sealed}.`]) {
    assert.equal(await open(respelled, keys), undefined)
  }
})

test('anything else that is sent as a sealed value opens as nothing', async () => {
  const keys = ringOf(sealingKey())
  for (const text of ['', '.', '....', 'a..b.c.d', 'x'.repeat(100_000), '{}', 'é..é.é.é']) {
    assert.equal(await open(text, keys), undefined)
  }
})

test('a sealed value is a JWE that jose opens, with each key of a ring', async () => {
  const [first, second] = ringOf(sealingKey(), sealingKey())
  assert.ok(second)
  for (const bytes of [Buffer.alloc(0), Buffer.of(0), randomBytes(70_000)]) {
    const sealed = await sealBytes(bytes, [second])
    const opened = openBytes(sealed, [first, second])
    assert.ok(opened && bytes.equals(opened))
    assert.ok(bytes.equals((await compactDecrypt(sealed, second)).plaintext))
  }
})

test('a right JWE with another header, or a shorter tag, is none of ours', async () => {
  const [key] = ringOf(sealingKey())
  const bytes = Buffer.from('"x"')
  for (const header of [
    { alg: 'dir', enc: 'A256GCM', zip: 'DEF' },
    { enc: 'A256GCM', alg: 'dir' },
    { alg: 'dir', enc: 'A256CBC-HS512' },
    { alg: 'A256KW', enc: 'A256GCM' },
  ]) {
    const made = new CompactEncrypt(bytes).setProtectedHeader(header)
    const long = header.enc === 'A256CBC-HS512' ? Buffer.concat([key, key]) : key
    const sealed = await made.encrypt(long).catch(() => undefined)
    if (sealed !== undefined) assert.equal(openBytes(sealed, [key]), undefined)
  }
  const [header = ''] = (await sealBytes(bytes, [key])).split('.')
  for (const [nonceBytes, tagBytes] of [
    [12, 4],
    [12, 12],
    [8, 16],
    [12, 16],
  ] as const) {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
    const encrypted = cipher.setAAD(Buffer.from(header)).update(bytes)
    cipher.final()
    const parts = [nonce, encrypted, cipher.getAuthTag()].map((part) => part.toString('base64url'))
    const opened = openBytes(`${header}..${parts.join('.')}`, [key])
    assert.equal(opened !== undefined, nonceBytes === 12 && tagBytes === 16)
  }
})

test('without a sealing key each process has keys of its own, the same for its life', async () => {
  const [one, other] = [deriveKeys([]), deriveKeys([])]
  const sealed = await seal(value, one.for('refresh token'))
  assert.deepEqual(await open(sealed, one.for('refresh token')), value)
  assert.equal(await open(sealed, other.for('refresh token')), undefined)
})
