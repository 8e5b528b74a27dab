import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSettled } from '../scenarios/settle.ts'

const rows: readonly (readonly [string, boolean, readonly number[]])[] = [
  ['too few runs', false, [100, 100, 100]],
  ['as a start of rolecall goes', false, [332, 154, 127, 118]],
  ['still 5 % cheaper', false, [332, 154, 104, 104, 99, 99]],
  ['as dear as before', true, [332, 154, 101, 99, 100, 98]],
  ['dearer than before', true, [100, 100, 120, 110]],
]
for (const [what, settled, costs] of rows) {
  test(`${what}: ${settled ? 'settled' : 'not settled'}`, () => {
    assert.equal(isSettled(costs), settled)
  })
}
