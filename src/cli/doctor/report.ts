/** `not reached`: nothing can be said, since something that it needs is away. */
export type DoctorVerdict = 'ok' | 'warning' | 'failed' | 'not reached'

/** Every check, in the order of a report: what others depend on comes first. */
export const checkNames = [
  'configuration',
  'discovery',
  'cloud',
  'keys',
  'algorithms',
  'token issuers',
  'clock',
  'credential',
  'Microsoft Graph',
  'redirect URI',
  'store',
  'upstream connection',
  'upstream exposure',
  'upstream identity',
  'public_url',
  'ingress',
  'token',
  'API server',
] as const

export type CheckName = (typeof checkNames)[number]

/** One live check. */
export interface DoctorCheck {
  readonly name: CheckName
  /** The resource it is about; absent: the whole. */
  readonly resource?: string
  readonly verdict: DoctorVerdict
  readonly sentence: string
  /** What to do; absent only when all is well. */
  readonly remedy?: string
}

/** What a check says, without its name. */
export type Finding = Pick<DoctorCheck, 'verdict' | 'sentence' | 'remedy'>

/** A check that another one's trouble keeps from saying anything: the cause is told there, once. */
export function consequenceOf(cause: CheckName): Finding {
  return {
    verdict: 'not reached',
    sentence: `It needs what is wrong under ${cause}.`,
    remedy: `See ${cause}.`,
  }
}

/** Cause before consequence; what is alike stays in its order. */
export function inOrder(checks: readonly DoctorCheck[]): readonly DoctorCheck[] {
  const rank = ({ name }: DoctorCheck) => checkNames.indexOf(name)
  return checks.toSorted((one, other) => rank(one) - rank(other))
}

/** 1 when something failed, else 3 when something could not be decided, else 0. */
export function exitCodeOf(checks: readonly DoctorCheck[]): number {
  const has = (wanted: DoctorVerdict) => checks.some(({ verdict }) => verdict === wanted)
  if (has('failed')) return 1
  return has('not reached') ? 3 : 0
}

/** The report as one JSON document, as `deploy/doctor.schema.json` has it. */
export function reportJson(checks: readonly DoctorCheck[], version: string): string {
  const outcomes: Readonly<Record<number, string>> = { 0: 'ok', 1: 'failed', 3: 'undecided' }
  const outcome = outcomes[exitCodeOf(checks)]
  return `${JSON.stringify({ version, outcome, checks }, null, 2)}\n`
}
