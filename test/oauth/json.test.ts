import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseObject } from '../../src/oauth/json.ts'

test('an object is taken, whatever its members are called', () => {
  assert.deepEqual(parseObject(' {"a":[1]} '), { a: [1] })
  assert.deepEqual(Object.keys(parseObject('{"__proto__":1}') ?? {}), ['__proto__'])
})

for (const text of ['', '{', '[]', '[{}]', 'null', '1', '"{}"', '{}{}', '\ufeff{}']) {
  test(`${JSON.stringify(text)} is no object`, () => {
    assert.equal(parseObject(text), undefined)
  })
}
