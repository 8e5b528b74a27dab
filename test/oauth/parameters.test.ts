import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorAnswer } from '../../src/oauth/error-answer.ts'
import { type ReadingOptions, readParameters, required } from '../../src/oauth/parameters.ts'

const form: ReadingOptions = { from: 'form' }
const withResources: ReadingOptions = { from: 'address', repeatable: ['resource'] }

const refused: readonly (readonly [text: string, options: ReadingOptions, words: RegExp])[] = [
  ['a=1&a=1', form, /parameter of the form is there twice/],
  ['a=1&b=2&a=', form, /there twice/],
  ['a=&a=', form, /there twice/],
  ['a=1&%61=2', form, /there twice/],
  ['resource=x&resource=x', form, /there twice/],
  ['a=1&a=2&resource=x', withResources, /parameter of the address is there twice/],
  ['access_token=t', form, /no place in a form/],
  ['a=1&access_token=t', withResources, /no place in an address/],
]
for (const [text, options, words] of refused) {
  test(`${text} is refused in the ${options.from}`, () => {
    assert.throws(
      () => readParameters(text, options),
      (error) => error instanceof ErrorAnswer && error.status === 400 && words.test(error.message),
    )
  })
}

test('a parameter without a value is absent, but in an answer, where it is not the same as none', () => {
  const request = readParameters('a=&b=1&__proto__=x', form)
  assert.deepEqual([request.get('a'), request.has('a'), request.all('a')], [undefined, false, []])
  assert.deepEqual([request.get('b'), request.get('__proto__')], ['1', 'x'])
  assert.equal(request.get('toString'), undefined)
  const answer = readParameters('iss=', { from: 'address', keepsEmpty: true })
  assert.deepEqual([answer.get('iss'), answer.has('iss')], ['', true])
  for (const parameters of [request, answer]) {
    assert.throws(
      () => required(parameters, 'iss', 'begin again'),
      /parameter iss is missing; begin/,
    )
  }
})

test('what may be repeated is read in its order, without what has no value', () => {
  const { all } = readParameters('resource=b&resource=&resource=a', withResources)
  assert.deepEqual(all('resource'), ['b', 'a'])
})
