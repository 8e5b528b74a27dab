import type { SignInMode } from '../config.ts'
import type { Report } from '../report/report.ts'
import type { Settings } from '../schema/schema.ts'
import type { Path, SettingsDraft } from '../sources/draft.ts'

/** What every rule about more than one setting looks at and tells to. */
export interface RuleInput {
  readonly settings: Settings
  readonly draft: SettingsDraft
  readonly report: Report
  /** The mode that applies; `off` where what is written is none. */
  readonly mode: SignInMode
}

/** Tells that a setting is missing, unless it is there and told of already. */
export function demand(
  { draft, report }: RuleInput,
  path: Path,
  value: unknown,
  remedy: string,
): void {
  if (value === undefined && !report.isWrong(path)) report.wrong(draft, path, 'is required', remedy)
}

/** Tells that an unsafe switch is on. */
export function warnSwitch(
  { draft, report }: RuleInput,
  path: Path,
  on: boolean,
  consequence: string,
): void {
  if (on) report.warn(draft, path, `is on: ${consequence}`, 'Turn it off when you can.')
}
