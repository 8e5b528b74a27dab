import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ToolHints } from '../../src/tool-rules/tool-hints.ts'

const minute = 60_000
const reads = [{ name: 'x', readOnly: true }]
const writes = [{ name: 'x', readOnly: false }]

test('a hint is known from lists, for ten minutes', () => {
  const hints = new ToolHints()
  assert.equal(hints.hintOf('x', 0), 'unknown')
  hints.learn(reads, 0)
  assert.equal(hints.hintOf('x', 9 * minute), 'read_only')
  assert.equal(hints.hintOf('y', 0), 'unknown')
  assert.equal(hints.hintOf('x', 10 * minute), 'unknown')
  hints.learn(reads, 11 * minute)
  assert.equal(hints.hintOf('x', 11 * minute), 'read_only')
})

for (const [first, second] of [
  [reads, writes],
  [writes, reads],
] as const) {
  test('a tool that reads in one list and not in another counts as one that writes', () => {
    const hints = new ToolHints()
    hints.learn(first, 0)
    hints.learn(second, minute)
    assert.equal(hints.hintOf('x', 2 * minute), 'writes')
    hints.learn(reads, 30 * minute)
    assert.equal(hints.hintOf('x', 30 * minute), 'writes')
    hints.learn(reads, 62 * minute)
    assert.equal(hints.hintOf('x', 62 * minute), 'read_only')
  })
}

test('what a list of another version said opens nothing, and still closes', () => {
  const hints = new ToolHints()
  hints.sawVersion('1', 0)
  hints.learn(reads, 0)
  hints.learn([{ name: 'y', readOnly: false }], 0)
  hints.sawVersion(undefined, minute)
  hints.sawVersion('1', minute)
  assert.equal(hints.hintOf('x', minute), 'read_only')
  hints.sawVersion('2', minute)
  assert.equal(hints.hintOf('x', minute), 'unknown')
  assert.equal(hints.hintOf('y', minute), 'writes')
  hints.learn(reads, minute)
  assert.equal(hints.hintOf('x', minute), 'read_only')
})
