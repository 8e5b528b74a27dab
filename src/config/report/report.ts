import type { Path, SettingsDraft } from '../sources/draft.ts'
import { pathText } from '../sources/draft.ts'
import type { Problem } from './problem.ts'

/** Collects everything that is to be told, so that all of it is told at once. */
export class Report {
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []
  readonly #wrong: string[] = []

  /** A problem with a setting, named as its author named it. */
  wrong(draft: SettingsDraft, path: Path, message: string, remedy: string): void {
    this.mark(path)
    this.add({ key: draft.keyOf(path), message, remedy })
  }

  /** Counts a setting as wrong whose problem is told under another name. */
  mark(path: Path): void {
    this.#wrong.push(pathText(path))
  }

  /** A problem that belongs to no setting of the draft. The same problem is told once. */
  add(problem: Problem): void {
    if (!isAmong(this.problems, problem)) this.problems.push(problem)
  }

  /** As {@link wrong}, of what works all the same. The same warning is told once. */
  warn(draft: SettingsDraft, path: Path, message: string, remedy: string): void {
    const warning = { key: draft.keyOf(path), message, remedy }
    if (!isAmong(this.warnings, warning)) this.warnings.push(warning)
  }

  /** As {@link warn}, of what keeps everybody out. */
  warnAll(draft: SettingsDraft, path: Path, message: string, remedy: string): void {
    const warning = { key: draft.keyOf(path), message, remedy, excludesAll: true } as const
    if (!isAmong(this.warnings, warning)) this.warnings.push(warning)
  }

  /** Whether a setting, or a table that it stands in, has a problem already. */
  isWrong(path: Path): boolean {
    const text = pathText(path)
    return this.#wrong.some((wrong) => isWithin(text, wrong) || isWithin(wrong, text))
  }
}

function isAmong(told: readonly Problem[], { key, message }: Problem): boolean {
  return told.some((one) => one.key === key && one.message === message)
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`)
}
