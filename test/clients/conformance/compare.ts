import type { Check, SuiteRun } from './suite.ts'

/** A check that came out in another way, or as often in only one of the two. */
export interface Difference {
  readonly scenario: string
  readonly check: string
  readonly direct: string
  readonly proxied: string
}

/** What rolecall has to refuse itself: a server that does not passes these behind it, and only there. */
const REFUSED_BY_ROLECALL = new Set([
  'tasks-headers-reject-mismatched-method (TasksHeadersRejectMismatchedMethod)',
])

/**
 * Compares two runs scenario by scenario, check by check: which checks there were, how often, and how
 * each came out. Not compared: times, and the details in the suite's messages.
 */
export function compareRuns(direct: SuiteRun, proxied: SuiteRun): Difference[] {
  const names = new Set([...direct.scenarios.keys(), ...proxied.scenarios.keys()])
  return [...names]
    .sort()
    .flatMap((scenario) =>
      compareScenario(
        scenario,
        direct.scenarios.get(scenario) ?? [],
        proxied.scenarios.get(scenario) ?? [],
      ),
    )
}

/** A check that passes at a server, and at the fleet not or not as often. */
export interface Loss extends Difference {
  /** Why that is meant; absent: it is a fault. */
  readonly reason?: string
}

/**
 * What passes at a single server passes at the fleet, but for what is meant to differ. What the fleet
 * does by itself where the server does not is no difference.
 *
 * @param meant reasons, by how the id of a check begins
 */
export function lossesAtFleet(
  direct: SuiteRun,
  fleet: SuiteRun,
  meant: Readonly<Record<string, string>>,
): Loss[] {
  const passed = (checks: readonly Check[]) => checks.filter(({ status }) => status === 'SUCCESS')
  return [...direct.scenarios].flatMap(([scenario, checks]) => {
    const there = fleet.scenarios.get(scenario) ?? []
    return compareScenario(scenario, passed(checks), passed(there))
      .filter((it) => it.direct.length > it.proxied.length || it.proxied === 'absent')
      .map((it) => ({ ...it, ...reasonOf(it.check, meant) }))
  })
}

function reasonOf(check: string, meant: Readonly<Record<string, string>>): Pick<Loss, 'reason'> {
  const reason = Object.entries(meant).find(([id]) => check.startsWith(id))?.[1]
  return reason === undefined ? {} : { reason }
}

function compareScenario(
  scenario: string,
  direct: readonly Check[],
  proxied: readonly Check[],
): Difference[] {
  const names = new Set([...direct, ...proxied].map(nameOf))
  return [...names]
    .sort()
    .map((check) => ({
      scenario,
      check,
      direct: statusesOf(direct, check),
      proxied: statusesOf(proxied, check),
    }))
    .filter((it) => it.direct !== it.proxied && !isRefusedByRolecall(it))
}

function isRefusedByRolecall({ check, direct, proxied }: Difference): boolean {
  return REFUSED_BY_ROLECALL.has(check) && direct === 'FAILURE' && proxied === 'SUCCESS'
}

function nameOf({ id, name }: Check): string {
  return `${id} (${name})`
}

function statusesOf(checks: readonly Check[], check: string): string {
  const statuses = checks.filter((it) => nameOf(it) === check).map(({ status }) => status)
  return statuses.sort().join(' ') || 'absent'
}
