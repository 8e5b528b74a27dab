import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable, printableAddress, printableError } from '../../src/oauth/printable.ts'

test('text from outside is printable ASCII, and cut with dots', () => {
  assert.equal(printable('a\r\n\u202eé\u0000~'), 'a?????~')
  assert.equal(printable('x'.repeat(100)), 'x'.repeat(100))
  assert.equal(printable('x'.repeat(101)), `${'x'.repeat(97)}...`)
  assert.equal(printable('abcdef', 5), 'ab...')
})

test('an address is told without user info, query and fragment', () => {
  for (const [value, told] of [
    ['https://a.example/cb?code=secret&state=x', 'https://a.example/cb'],
    ['https://a.example/cb#access_token=secret', 'https://a.example/cb'],
    ['https://name:secret@a.example/cb', 'https://a.example/cb'],
    ['https://a.example?code=sec\nret', 'https://a.example'],
    ['cursor://a/b?code=secret', 'cursor://a/b'],
    ['https://a.example/@x', 'https://a.example/@x'],
    ['https://a.example/"x\\', 'https://a.example/?x?'],
  ] as const) {
    assert.equal(printableAddress(value), told)
  }
})

test('what is no URL may be a token, and is not told', () => {
  for (const value of ['a-secret', '/cb?code=secret', '', '1.AVYA']) {
    assert.equal(printableAddress(value), '(not a URL)')
  }
})

test('an error code of another server is told if it is one, else not at all', () => {
  for (const code of ['invalid_grant', 'a', 'org.example.error-1', `a${'b'.repeat(39)}`]) {
    assert.equal(printableError(code), code)
  }
  const others = ['', 'Invalid_Grant', '1.AVYA', '<b>', 'a b', 'é', 'a\n', `a${'b'.repeat(40)}`]
  for (const text of others) assert.equal(printableError(text), 'unnamed_error', text)
})
