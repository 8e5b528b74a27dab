import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { bindSessionId, openSessionId } from '../../src/forward/session-id.ts'
import { deriveKeys } from '../../src/sealing/derived-keys.ts'

const older = randomBytes(32).toString('base64url')
const newer = randomBytes(32).toString('base64url')
const keys = deriveKeys([older]).for('mcp session id')
const alice = { resource: 'prod', user: 'tenant|alice' }
const bound = bindSessionId('session-1', alice, keys)

test('a session id opens for the person and resource it was made for', () => {
  assert.equal(openSessionId(bound, alice, keys), 'session-1')
})

const altered = (bound.startsWith('A') ? 'B' : 'A') + bound.slice(1)

const strangers = [
  { name: 'another person', owner: { ...alice, user: 'tenant|bob' }, id: bound },
  { name: 'another resource', owner: { ...alice, resource: 'test' }, id: bound },
  { name: 'a fresh token where the token counts', owner: { ...alice, token: 'd2' }, id: bound },
  { name: 'an altered id', owner: alice, id: `${bound}x` },
  { name: 'an altered MAC', owner: alice, id: altered },
  { name: "the upstream's own id", owner: alice, id: 'session-1' },
  { name: 'nothing behind the MAC', owner: alice, id: bound.slice(0, 43) },
  { name: 'a control character', owner: alice, id: `${bound}\n` },
  { name: 'an empty id', owner: alice, id: '' },
  { name: 'a text outside ASCII', owner: alice, id: `é${bound.slice(1)}` },
  { name: 'an endless id', owner: alice, id: `${bound}${'x'.repeat(5000)}` },
] as const
for (const { name, owner, id } of strangers) {
  test(`a session id does not open for ${name}`, () => {
    assert.equal(openSessionId(id, owner, keys), undefined)
  })
}

test('fields that run together do not make another owner', () => {
  const one = bindSessionId('c', { resource: 'a', user: 'b' }, keys)
  assert.equal(openSessionId(one, { resource: 'a","b', user: '' }, keys), undefined)
})

test('after a key is replaced, older session ids still open and new ones are made with the new key', () => {
  const both = deriveKeys([newer, older]).for('mcp session id')
  assert.equal(openSessionId(bound, alice, both), 'session-1')
  const fresh = bindSessionId('session-2', alice, both)
  assert.equal(openSessionId(fresh, alice, deriveKeys([newer]).for('mcp session id')), 'session-2')
  assert.equal(openSessionId(fresh, alice, keys), undefined)
})

test('keys of another purpose open nothing', () => {
  assert.equal(openSessionId(bound, alice, deriveKeys([older]).for('refresh token')), undefined)
})

test('without sealing keys every process has keys of its own', () => {
  const one = deriveKeys([]).for('mcp session id')
  const other = deriveKeys([]).for('mcp session id')
  const made = bindSessionId('session-3', alice, one)
  assert.equal(openSessionId(made, alice, one), 'session-3')
  assert.equal(openSessionId(made, alice, other), undefined)
})
