import * as z from 'zod'

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
  'tool rules',
  'fleet',
  'fleet tools',
  'API server',
] as const

const checkSchema = z.strictObject({
  name: z.enum(checkNames),
  resource: z
    .string()
    .exactOptional()
    .meta({ description: 'The resource it is about; absent: the whole.' }),
  verdict: z.enum(['ok', 'warning', 'failed', 'not reached']).meta({
    description:
      'failed: nobody, or nobody of one way, could sign in or call. not reached: nothing can be said, since something that it needs is away.',
  }),
  sentence: z.string(),
  remedy: z
    .string()
    .exactOptional()
    .meta({ description: 'What to do; absent only when all is well.' }),
})

/** The JSON of `doctor --json`; `deploy/doctor.schema.json` is made of it. */
export const reportSchema = z.strictObject({
  version: z.string(),
  outcome: z.enum(['ok', 'failed', 'undecided']).meta({
    description: 'ok: it ends with 0. failed: with 1. undecided: with 3.',
  }),
  checks: z.array(checkSchema).meta({
    description: 'What others depend on comes first, and one cause is told once.',
  }),
})

export type CheckName = (typeof checkNames)[number]

/** One live check. */
export type DoctorCheck = Readonly<z.output<typeof checkSchema>>

export type DoctorVerdict = DoctorCheck['verdict']

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
  const code = exitCodeOf(checks)
  const otherwise = code === 0 ? 'ok' : 'undecided'
  const report: z.input<typeof reportSchema> = {
    version,
    outcome: code === 1 ? 'failed' : otherwise,
    checks: [...checks],
  }
  return `${JSON.stringify(report, null, 2)}\n`
}

/** The JSON Schema of the report. */
export function reportJsonSchema(): object {
  return z.toJSONSchema(reportSchema)
}
