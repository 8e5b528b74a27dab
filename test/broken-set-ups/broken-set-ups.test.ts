import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { faultGroups } from './rows/rows.ts'
import { runRow } from './run.ts'

for (const { title, rows } of faultGroups) {
  suite(title, () => {
    for (const row of rows) {
      test(row.fault, async (t) => {
        const { problems } = await runRow(row, t)
        assert.deepEqual(problems, [])
      })
    }
  })
}
