/** `not reached`: nothing can be said, since something that it needs is away. */
export type DoctorVerdict = 'ok' | 'warning' | 'failed' | 'not reached'

/** One live check. */
export interface DoctorCheck {
  readonly name: string
  /** The resource it is about; absent: the whole. */
  readonly resource?: string
  readonly verdict: DoctorVerdict
  readonly sentence: string
  /** What to do; absent only when all is well. */
  readonly remedy?: string
}

/** 1 when something failed, else 3 when something could not be decided, else 0. */
export function exitCodeOf(checks: readonly DoctorCheck[]): number {
  const has = (wanted: DoctorVerdict) => checks.some(({ verdict }) => verdict === wanted)
  if (has('failed')) return 1
  return has('not reached') ? 3 : 0
}

const WIDTH = 13

/** One line for each check, its remedy below it. */
export function reportText(checks: readonly DoctorCheck[]): string {
  return checks
    .map(({ name, resource, verdict, sentence, remedy }) => {
      const title = resource === undefined ? name : `${name} of ${resource}`
      const line = `${verdict.padEnd(WIDTH)}${title}: ${sentence}\n`
      return remedy === undefined ? line : `${line}${' '.repeat(WIDTH)}${remedy}\n`
    })
    .join('')
}

/** The same as one JSON document. */
export function reportJson(checks: readonly DoctorCheck[], version: string): string {
  const outcomes: Readonly<Record<number, string>> = { 0: 'ok', 1: 'failed', 3: 'undecided' }
  const outcome = outcomes[exitCodeOf(checks)]
  return `${JSON.stringify({ version, outcome, checks }, null, 2)}\n`
}
