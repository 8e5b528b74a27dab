/** `npm run broken-set-ups`: who names what is wrong, row by row; with `--write` the page, too. */
import { writeFileSync } from 'node:fs'
import { type PageGroup, pageOf, pagePath } from './page.ts'
import { goodSetUps } from './rows/good.ts'
import { faultGroups } from './rows/rows.ts'
import { falseAlarms, type RowResult, runRow } from './run.ts'
import type { Ends } from './world.ts'

let failures = 0
const groups: PageGroup[] = []
for (const { title, rows } of faultGroups) {
  tell(`\n${title}`)
  const results: RowResult[] = []
  for (const row of rows) {
    const result = await withEnds((t) => runRow(row, t))
    results.push(result)
    for (const { by, sentence } of result.named) tell(`  ${by.padEnd(7)} ${row.fault}: ${sentence}`)
    count(row.fault, result.problems)
  }
  groups.push({ title, results })
}
tell('\nGood set-ups')
for (const row of goodSetUps) {
  const alarms = await withEnds((t) => falseAlarms(row, t))
  if (alarms.length === 0) tell(`  nothing ${row.name}`)
  count(row.name, alarms)
}
const all = groups.flatMap(({ results }) => results)
tell(
  `\n${all.length} faults, ${goodSetUps.length} good set-ups, ${failures} not as they have to be.`,
)
if (process.argv.includes('--write')) writeFileSync(pagePath, pageOf(groups))
process.exitCode = failures === 0 ? 0 : 1

function count(name: string, problems: readonly string[]): void {
  if (problems.length === 0) return
  failures += 1
  tell(`  FAILED  ${name}\n${problems.map((one) => `    ${one}`).join('\n')}`)
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** As a test ends what it started. */
async function withEnds<T>(work: (t: Ends) => Promise<T>): Promise<T> {
  const ends: (() => unknown)[] = []
  try {
    return await work({ after: (end) => void ends.push(end) })
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}
