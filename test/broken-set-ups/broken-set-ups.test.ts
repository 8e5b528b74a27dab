import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { onRedis } from '../support/redis-server.ts'
import { pageOf, pagePath } from './page.ts'
import { goodSetUps } from './rows/good.ts'
import { faultGroups } from './rows/rows.ts'
import { falseAlarms, type RowResult, runRow } from './run.ts'

const results = new Map<string, RowResult[]>()

for (const { title, rows } of faultGroups) {
  suite(title, () => {
    for (const row of rows) {
      test(row.fault, async (t) => {
        const result = await runRow(row, t)
        results.set(title, [...(results.get(title) ?? []), result])
        assert.deepEqual(result.problems, [])
      })
    }
  })
}

suite('of a good set-up nothing is said', () => {
  for (const row of goodSetUps) {
    test(row.name, async (t) => assert.deepEqual(await falseAlarms(row, t), []))
  }
})

onRedis('the page', () => {
  test('the page for people has every row, in the words that were told', () => {
    const groups = faultGroups.map(({ title }) => ({ title, results: results.get(title) ?? [] }))
    assert.equal(
      readFileSync(pagePath, 'utf8'),
      pageOf(groups),
      'npm run broken-set-ups -- --write',
    )
  })
})
