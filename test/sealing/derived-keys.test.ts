import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveKeys, type Purpose } from '../../src/sealing/derived-keys.ts'

const sealingKey = Buffer.alloc(32, 7).toString('base64url')
const older = Buffer.alloc(32, 8).toString('base64url')

/** What the sealing key of 32 times 7 gives: what changes here ends what was made by earlier versions. */
const keys: Readonly<Record<Purpose, string>> = {
  'mcp session id': 'lpHGi358sUqFDmfX6qilZWCqa1p3zCgoy4pXYnwby0Y',
  'access token': 'B3pmZ-OysbDLQnKTdfTkVXNycQtfKe0NK34bYzB6dIg',
  'refresh token': '6R8G3wEgjeB6IpswhJhep9fUB06zmD59BkPfoRjWLD0',
  transaction: 'dKkqFialYdnotjd7Nq9X_EdnSNzaTuZxOZyOfCOwr0A',
  'go-on question': 'QV7LfO7q55cDGC5MQ4Y6Qbbqgex1nJLJROCpUoWkOrs',
  'authorization code': 'VXputvYa0IntS6TScIXlhtQjcMx_Nae88r5uZm3w2sw',
  consent: 'L76VU3ZcyoM4GYvWsdLrWTiZlHrZHXdIvoZU83XQrDA',
  'client id': '31pGucCd2pedCMASVUbwxGrUxKynG5wZvpLqCpUg2KY',
  'stored answer': 'pBqDuRb0vjYqvvq2aMzkFGeJGus7ND6LjmIA-kVZwMk',
  'session name': 'H-5p4HqByWDuWd-IJJTj3n383eNsp5nZSHJh1Gdvtt8',
  'list cursor': 'Amuvvit0-3aCtIPG0pb46lz_tkgYhkLpFH6nIwhIA-g',
  'question state': 'sQivc8nHnGbqEbnf7vEthO8ZSG2mee7mHU-Mjl_6fKE',
}

for (const [purpose, key] of Object.entries(keys) as [Purpose, string][]) {
  test(`the key for "${purpose}" is that of every version before (deploy/state.md)`, () => {
    assert.equal(deriveKeys([sealingKey]).for(purpose)[0].toString('base64url'), key)
  })
}

test('no two purposes share a key', () => {
  assert.equal(new Set(Object.values(keys)).size, Object.keys(keys).length)
})

test('the first sealing key makes, all check', () => {
  const ring = deriveKeys([older, sealingKey]).for('consent')
  assert.deepEqual(
    ring.map((key) => key.toString('base64url')),
    [deriveKeys([older]).for('consent')[0].toString('base64url'), keys.consent],
  )
})

test('without sealing keys each process has its own', () => {
  const [one, other] = [deriveKeys([]), deriveKeys([])].map((made) => made.for('consent')[0])
  assert.notDeepEqual(one, other)
  assert.equal(one?.length, 32)
})
