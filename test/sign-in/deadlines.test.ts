import assert from 'node:assert/strict'
import { test } from 'node:test'
import { READ_TIMEOUT_MS } from '../../src/issuer/token-endpoint/client-credential.ts'
import { DEFAULT_TIMEOUT_MS } from '../../src/net/bounded-fetch.ts'
import {
  ANSWER_MS,
  EXCHANGE_MS,
  PAUSE_MS,
  WAIT_BEFORE_REDEEMING_MS,
  WAIT_FOR_ANOTHER_MS,
} from '../../src/sign-in/deadlines.ts'
import { ANSWERED_WITHIN_MS } from '../../src/store/redis-connection.ts'

/** What hangs once ends the request, or is not waited for again. */
const sums: Readonly<Record<string, readonly number[]>> = {
  'redeems after it waited for another, and then the store hangs': [
    WAIT_BEFORE_REDEEMING_MS,
    EXCHANGE_MS,
    ANSWERED_WITHIN_MS,
  ],
  'waits for another to the end, and then the store hangs': [
    WAIT_FOR_ANOTHER_MS,
    PAUSE_MS.longest,
    ANSWERED_WITHIN_MS,
  ],
}
for (const [what, parts] of Object.entries(sums)) {
  test(`a token request that ${what} is answered within 10 s`, () => {
    const sum = parts.reduce((all, part) => all + part, 0)
    assert.ok(sum <= ANSWER_MS, `${sum} ms`)
  })
}

test('the provider has its whole time, its files and a judgement, within an exchange', () => {
  // Certificate and key are read at the same time.
  assert.ok(READ_TIMEOUT_MS + DEFAULT_TIMEOUT_MS <= EXCHANGE_MS - 1_000)
})

test('whoever waits for another waits longer than a redemption takes', () => {
  assert.ok(EXCHANGE_MS < WAIT_FOR_ANOTHER_MS)
})
