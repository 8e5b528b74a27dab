import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asSentence } from '../../src/oauth/provider-explanation.ts'

const sentences: readonly (readonly [remedy: string, sentence: string])[] = [
  ['sign in again.', 'Sign in again.'],
  ['redis_url of [store] has it.', 'redis_url of [store] has it.'],
  ['sign_in.tokens says so.', 'sign_in.tokens says so.'],
  ['Already.', 'Already.'],
  ['', ''],
]
for (const [remedy, sentence] of sentences) {
  test(`"${remedy}" as a sentence of its own`, () => {
    assert.equal(asSentence(remedy), sentence)
  })
}
