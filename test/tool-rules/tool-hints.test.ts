import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ToolHints } from '../../src/tool-rules/tool-hints.ts'

const minute = 60_000
const reads = [{ name: 'x', readOnly: true }]
const writes = [{ name: 'x', readOnly: false }]

test('a hint is known from lists, for ten minutes', () => {
  const hints = new ToolHints()
  assert.equal(hints.hintOf('alice', 'x', 0), 'unknown')
  hints.learn('alice', reads, 0)
  assert.equal(hints.hintOf('alice', 'x', 9 * minute), 'read_only')
  assert.equal(hints.hintOf('alice', 'y', 0), 'unknown')
  assert.equal(hints.hintOf('alice', 'x', 10 * minute), 'unknown')
  hints.learn('alice', reads, 11 * minute)
  assert.equal(hints.hintOf('alice', 'x', 11 * minute), 'read_only')
})

for (const [first, second] of [
  [reads, writes],
  [writes, reads],
] as const) {
  test('a tool that reads in one list and not in another counts as one that writes', () => {
    const hints = new ToolHints()
    hints.learn('alice', first, 0)
    hints.learn('alice', second, minute)
    assert.equal(hints.hintOf('alice', 'x', 2 * minute), 'writes')
    hints.learn('alice', reads, 30 * minute)
    assert.equal(hints.hintOf('alice', 'x', 30 * minute), 'writes')
    hints.learn('alice', reads, 62 * minute)
    assert.equal(hints.hintOf('alice', 'x', 62 * minute), 'read_only')
  })
}

test('what a list of another version said opens nothing, and still closes', () => {
  const hints = new ToolHints()
  hints.sawVersion('1', 0)
  hints.learn('alice', reads, 0)
  hints.learn('alice', [{ name: 'y', readOnly: false }], 0)
  hints.sawVersion(undefined, minute)
  hints.sawVersion('1', minute)
  assert.equal(hints.hintOf('alice', 'x', minute), 'read_only')
  hints.sawVersion('2', minute)
  assert.equal(hints.hintOf('alice', 'x', minute), 'unknown')
  assert.equal(hints.hintOf('alice', 'y', minute), 'writes')
  hints.learn('alice', reads, minute)
  assert.equal(hints.hintOf('alice', 'x', minute), 'read_only')
})

test("what one user's list marks as reading opens nothing to another, and what it writes closes", () => {
  const hints = new ToolHints()
  hints.learn('alice', [...reads, { name: 'y', readOnly: false }], 0)
  assert.equal(hints.hintOf('bob', 'x', 0), 'unknown')
  assert.equal(hints.hintOf('bob', 'y', 0), 'writes')
  hints.learn('bob', [...reads, { name: 'y', readOnly: true }], 0)
  assert.equal(hints.hintOf('bob', 'x', 0), 'read_only')
  assert.equal(hints.hintOf('bob', 'y', 0), 'writes')
})

test('pages of one list add up, and a list too large to be kept opens nothing', () => {
  const hints = new ToolHints()
  hints.learn('alice', reads, 0)
  hints.learn('alice', [{ name: 'z', readOnly: true }], minute)
  assert.equal(hints.hintOf('alice', 'x', minute), 'read_only')
  assert.equal(hints.hintOf('alice', 'z', minute), 'read_only')
  const names = Array.from({ length: 20_000 }, (_, index) => `${'n'.repeat(1000)}${index}`)
  hints.learn(
    'bob',
    names.map((name) => ({ name, readOnly: true })),
    minute,
  )
  assert.equal(hints.hintOf('bob', names[0] ?? '', minute), 'unknown')
  assert.equal(hints.hintOf('alice', 'x', minute), 'read_only')
})

test('ten thousand users with the same list cost little, and each has it for himself', () => {
  const hints = new ToolHints()
  const tools = Array.from({ length: 40 }, (_, index) => ({
    name: `tool_${index}`,
    readOnly: true,
  }))
  for (let user = 0; user < 10_000; user += 1) hints.learn(`user ${user}`, tools, user)
  assert.equal(hints.hintOf('user 0', 'tool_39', 10_000), 'read_only')
  assert.equal(hints.hintOf('user 9999', 'tool_0', 10_000), 'read_only')
  assert.equal(hints.hintOf('user 10000', 'tool_0', 10_000), 'unknown')
  assert.equal(hints.hintOf('user 0', 'tool_39', 10 * minute), 'unknown')
  assert.equal(hints.hintOf('user 9999', 'tool_39', 10 * minute), 'read_only')
})
