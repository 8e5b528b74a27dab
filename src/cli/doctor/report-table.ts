import type { DoctorCheck, DoctorVerdict } from './report.ts'

/** One line of the table: what is said of several resources alike is said once. */
interface Row {
  readonly verdict: DoctorVerdict
  readonly title: string
  readonly sentence: string
  readonly remedy?: string
}

const VERDICT_WIDTH = 13
const LONGEST_TITLE = 32
/** Columns; narrower text is harder to read than lines that wrap by themselves. */
const NARROWEST_TEXT = 40

/**
 * The report as a table for people: verdict, check, what is so, and below it what to do; a line at
 * the end that counts.
 *
 * @param width columns of the terminal; absent: lines are not broken, for pipes and logs
 */
export function reportTable(checks: readonly DoctorCheck[], width?: number): string {
  const rows = merged(checks)
  const titleWidth = Math.min(LONGEST_TITLE, Math.max(...rows.map(({ title }) => title.length))) + 2
  const margin = VERDICT_WIDTH + titleWidth
  const room =
    width === undefined ? Number.POSITIVE_INFINITY : Math.max(NARROWEST_TEXT, width - margin)
  const lines = rows.flatMap(({ verdict, title, sentence, remedy }) => {
    const head = `${verdict.padEnd(VERDICT_WIDTH)}${title.padEnd(titleWidth)}`
    const text = [
      ...broken(sentence, room),
      ...(remedy === undefined ? [] : broken(`→ ${remedy}`, room)),
    ]
    // A title that leaves no gap has a line of its own.
    const beside = title.length < titleWidth ? text.splice(0, 1).join('') : ''
    return [`${head}${beside}`, ...text.map((line) => ' '.repeat(margin) + line)]
  })
  return `${[...lines, '', counted(checks)].join('\n')}\n`
}

/** Alike but for their resource, or consequences of the same cause: one row. */
function merged(checks: readonly DoctorCheck[]): readonly Row[] {
  const rows = new Map<string, { checks: DoctorCheck[] }>()
  for (const check of checks) {
    const { name, verdict, sentence, remedy } = check
    const alike = [verdict, sentence, remedy, ...(verdict === 'not reached' ? [] : [name])]
    const key = JSON.stringify(alike)
    const row = rows.get(key) ?? { checks: [] }
    row.checks.push(check)
    rows.set(key, row)
  }
  return [...rows.values()].flatMap(({ checks: [first, ...others] }) =>
    first === undefined ? [] : [{ ...first, title: titleOf([first, ...others]) }],
  )
}

function titleOf(checks: readonly DoctorCheck[]): string {
  const names = [...new Set(checks.map(({ name }) => name))]
  return names
    .map((name) => {
      const resources = checks.flatMap((check) =>
        check.name === name && check.resource !== undefined ? [check.resource] : [],
      )
      return resources.length === 0 ? name : `${name} of ${resources.join(', ')}`
    })
    .join(', ')
}

function counted(checks: readonly DoctorCheck[]): string {
  const verdicts: readonly DoctorVerdict[] = ['failed', 'not reached', 'warning', 'ok']
  const parts = verdicts.flatMap((wanted) => {
    const count = checks.filter(({ verdict }) => verdict === wanted).length
    return count === 0 ? [] : [`${count} ${wanted}`]
  })
  return `${parts.join(', ')}.`
}

function broken(text: string, room: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
