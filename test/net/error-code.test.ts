import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCode } from '../../src/net/error-code.ts'

test('an error is told by its code, else by its name, and never by its message', () => {
  const coded = Object.assign(new Error('secret'), { code: 'ECONNREFUSED' })
  assert.equal(errorCode(coded), 'ECONNREFUSED')
  assert.equal(errorCode(Object.assign(new TypeError('secret'), { code: 7 })), 'TypeError')
  assert.equal(errorCode('secret'), 'unknown')
})
