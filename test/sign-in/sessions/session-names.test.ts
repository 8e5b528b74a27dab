import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveKeys } from '../../../src/sealing/derived-keys.ts'
import { SessionNames } from '../../../src/sign-in/sessions/session-names.ts'

const [older, newer] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64url'))
const namesWith = (...keys: (string | undefined)[]) =>
  new SessionNames(deriveKeys(keys.map(String)).for('session name'))
const alice = { kind: 'user', name: 'alice@contoso.test' } as const

test('a name tells nothing, and is the same in every process with the key', () => {
  const [name] = namesWith(older).of(alice)
  assert.match(name, /^[\w-]{22}$/)
  assert.deepEqual(namesWith(older).of(alice), [name])
  assert.notDeepEqual(namesWith(newer).of(alice), [name])
})

test('a user is one without regard to case; a client is not, and nobody is a client', () => {
  const names = namesWith(older)
  assert.deepEqual(names.of({ kind: 'user', name: 'Alice@Contoso.TEST' }), names.of(alice))
  const holmes = names.of({ kind: 'client', name: 'holmes' })
  assert.notDeepEqual(names.of({ kind: 'client', name: 'Holmes' }), holmes)
  assert.notDeepEqual(names.of({ kind: 'user', name: 'holmes' }), holmes)
  assert.notDeepEqual(names.of({ kind: 'user', name: 'all' }), names.of({ kind: 'all' }))
})

test('while a key is replaced, whoever has either finds what the other wrote', () => {
  const session = { userName: alice.name, client: 'holmes' }
  const during = namesWith(newer, older)
  for (const written of [namesWith(older), namesWith(newer), namesWith(older, newer)]) {
    for (const owner of [alice, { kind: 'client', name: 'holmes' }, { kind: 'all' }] as const) {
      const [name] = written.of(owner)
      assert.ok(during.ofSession(session).includes(name))
      assert.ok(during.of(owner).includes(name))
    }
  }
})
