import type { Outcome, TestResult } from './messages.ts'

/** What came of the tests, as it comes. */
export interface Summary {
  add(result: TestResult): void
  /** Nothing failed, and something ran. */
  readonly passed: boolean
  /** What failed, why tests were skipped, and the closing lines of node's own reporters. */
  text(milliseconds: number): string
}

export function createSummary(): Summary {
  const counts: Record<Outcome, number> = { pass: 0, fail: 0, skip: 0, todo: 0 }
  const failures: TestResult[] = []
  const skips = new Map<string, number>()
  return {
    add(result) {
      counts[result.outcome] += 1
      if (result.outcome === 'fail') failures.push(result)
      if (result.outcome === 'skip') skips.set(result.text, (skips.get(result.text) ?? 0) + 1)
    },
    get passed() {
      return counts.fail === 0 && counts.pass > 0
    },
    text(milliseconds) {
      const again = failures.map(({ file, path }) => `not ok ${titleOf(file, path)}`)
      const skipped = [...skips].map(([reason, count]) => `skipped ${count}: ${reason}`)
      return [...again, ...skipped, ...closingLines(counts, milliseconds), ''].join('\n')
    },
  }
}

/** A failure as it is told at once. */
export function describeFailure({ file, path, text }: TestResult): string {
  const indented = text.split('\n').map((line) => `    ${line}`.trimEnd())
  return [`not ok ${titleOf(file, path)}`, ...indented, ''].join('\n')
}

function titleOf(file: string, path: readonly string[]): string {
  return [file || 'in no file that is known', ...path].join(' › ')
}

function closingLines(
  { pass, fail, skip, todo }: Readonly<Record<Outcome, number>>,
  milliseconds: number,
): readonly string[] {
  return [
    `# tests ${pass + fail + skip + todo}`,
    `# pass ${pass}`,
    `# fail ${fail}`,
    '# cancelled 0',
    `# skipped ${skip}`,
    `# todo ${todo}`,
    `# duration_ms ${Math.round(milliseconds)}`,
  ]
}
