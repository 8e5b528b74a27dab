import type { AuthorizationRun } from './authorization.ts'
import { compareRuns, type Difference, type Loss, lossesAtFleet } from './compare.ts'
import { MEANT_AT_FLEET } from './meant-at-fleet.ts'
import type { Check, Revision, SuiteRun } from './suite.ts'

/** One server and revision, once without rolecall and once behind it. */
export interface Comparison {
  readonly server: string
  readonly revision: Revision
  readonly direct: SuiteRun
  readonly proxied: SuiteRun
  /** Behind a fleet, of which it is two clusters. */
  readonly fleet?: SuiteRun
}

/** The page that is kept: the same results always make the same text. */
export function report(
  comparisons: readonly Comparison[],
  authorizations: readonly AuthorizationRun[],
  suite: string,
): string {
  const parts = comparisons.map(section)
  return `# Conformance: direct, through rolecall, and at the fleet

Written by \`npm run conformance\`; not by hand. The server scenarios of
@modelcontextprotocol/conformance ${suite}, run against each server directly and through rolecall with
a bearer, and compared check by check: its name, how often it was made and how it came out. Any
difference is a failure, but where rolecall refuses what the server had to (a Mcp-Method that the body
contradicts). What a server itself does not do fails in both columns.

At the fleet the server is two clusters, and an adapter stands before it: it names one of the two in every
call and URI, as a model would, and takes the name out of the answers' URIs. Every check that passes direct
passes there, but for those that are named with their reason. What the fleet does by itself, and the server
not, is no difference. Not run is a server that asks over its session's GET stream and not in its answer to the
call: the fleet does not hear it, and the calls of the suite that wait for it do not end.

${summary(comparisons)}

## rolecall as an authorization server

The suite's authorization scenarios, against rolecall in mode broker, with a person who signs in.
Anything but a success is a failure.

${authorizationTable(authorizations)}

${parts.join('\n\n')}
`
}

function summary(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ server, revision, direct, proxied, fleet }) => [
    server,
    revision,
    String(direct.scenarios.size),
    counts([...direct.scenarios.values()].flat()),
    counts([...proxied.scenarios.values()].flat()),
    String(compareRuns(direct, proxied).length),
    ...(fleet === undefined ? ['not run', ''] : atFleet(direct, fleet)),
  ])
  const head = [
    ...['server', 'revision', 'scenarios', 'direct', 'through rolecall', 'differences'],
    ...['at the fleet', 'fewer'],
  ]
  return table(head, rows)
}

function atFleet(direct: SuiteRun, fleet: SuiteRun): string[] {
  const losses = lossesAtFleet(direct, fleet, MEANT_AT_FLEET)
  return [counts([...fleet.scenarios.values()].flat()), String(losses.length)]
}

function authorizationTable(authorizations: readonly AuthorizationRun[]): string {
  const rows = authorizations.flatMap(({ server, client, run }) =>
    [...run.scenarios].map(([scenario, checks]) => [server, client, scenario, counts(checks)]),
  )
  return table(['authorization server', 'client', 'scenario', 'checks'], rows)
}

function section(comparison: Comparison): string {
  const { server, revision, direct, proxied, fleet } = comparison
  const names = [...new Set([...direct.scenarios.keys(), ...proxied.scenarios.keys()])].sort()
  const rows = names.map((name) => [
    name,
    counts(direct.scenarios.get(name) ?? []),
    counts(proxied.scenarios.get(name) ?? []),
    ...(fleet === undefined ? [] : [counts(fleet.scenarios.get(name) ?? [])]),
  ])
  const head = ['scenario', 'direct', 'through rolecall', ...(fleet ? ['at the fleet'] : [])]
  const body = table(head, rows)
  const losses = fleet === undefined ? [] : lossesAtFleet(direct, fleet, MEANT_AT_FLEET)
  const differences = [...compareRuns(direct, proxied).map(describe), ...losses.map(describeLoss)]
  return [`## ${server}, ${revision}`, body, ...differences].join('\n\n')
}

/** One line for people. */
export function describe({ scenario, check, direct, proxied }: Difference): string {
  return `**Different**: ${scenario}, ${check}: direct ${direct}, through rolecall ${proxied}`
}

/** The same for the fleet, with the reason where it is meant. */
export function describeLoss({ scenario, check, direct, proxied, reason }: Loss): string {
  const words = reason === undefined ? 'a fault' : `as it is meant: ${reason}`
  return `**Fewer at the fleet**: ${scenario}, ${check}: direct ${direct}, at the fleet ${proxied}; ${words}`
}

/** `2 success, 1 failure` */
function counts(checks: readonly Check[]): string {
  const byStatus = new Map<string, number>()
  for (const { status } of checks) byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
  const order = ['SUCCESS', 'INFO', 'WARNING', 'SKIPPED', 'FAILURE', 'NONE']
  const words = [...byStatus]
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([status, count]) =>
      status === 'NONE' ? 'no result' : `${count} ${status.toLowerCase()}`,
    )
  return words.join(', ') || 'no checks'
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
