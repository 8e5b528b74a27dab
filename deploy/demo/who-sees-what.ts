import type { Cluster } from '../../test/environment/cluster/cluster.ts'
import { PODS, TEAMS, type Team } from '../../test/environment/cluster/contents.ts'
import { openMcpSession, type ToolAnswer } from '../../test/environment/mcp-session.ts'

/** Somebody of the directory, as the cluster knows them. */
export interface DemoPerson {
  readonly username: string
  /** What the cluster calls them. */
  readonly clusterName: string
  /** The teams whose group they are in. */
  readonly teams: readonly Team[]
}

/** A person with the token that they signed in for. */
export interface SignedInPerson extends DemoPerson {
  readonly token: string
}

/** What one person was told about one team's pods, and as whom the cluster was asked. */
export interface Sight {
  readonly person: DemoPerson
  readonly team: Team
  readonly answer: ToolAnswer
  /** Every name under which the cluster was reached during the call. */
  readonly callers: readonly string[]
}

/**
 * Lists each team's pods as each person, by `pods_list_in_namespace`, one call after the other, and
 * reads in the cluster's own audit log who it took each call for.
 *
 * @param url the MCP endpoint
 * @throws when the endpoint refuses one of them
 */
export async function lookAround(
  url: string,
  people: readonly SignedInPerson[],
  cluster: Cluster,
): Promise<readonly Sight[]> {
  const sights: Sight[] = []
  for (const person of people) {
    const session = await openMcpSession(url, person.token)
    for (const team of TEAMS) {
      const { length } = await cluster.auditEvents()
      const answer = await session.call('pods_list_in_namespace', { namespace: team })
      const events = (await cluster.auditEvents()).slice(length)
      // Events without a name are requests that the cluster refused: no one's sight.
      const names = events.flatMap(({ user }) => user.username ?? [])
      sights.push({ person, team, answer, callers: [...new Set(names)] })
    }
    await session.close()
  }
  return sights
}

/** What a sight should have been and was not, in sentences; empty when all is as it should be. */
export function differences(sights: readonly Sight[]): readonly string[] {
  return sights.flatMap((sight) => {
    const { person, team, callers } = sight
    const at = `${person.username} in ${team}`
    const wrongCallers = callers.join() !== person.clusterName
    return [
      ...answerDifferences(sight).map((difference) => `${at}: ${difference}`),
      ...(wrongCallers
        ? [`${at}: the cluster was asked by ${callers.join(', ') || 'nobody'}, not by them alone`]
        : []),
    ]
  })
}

/** Who of different teams sees the same, in sentences: then nobody's rights were asked for. */
export function alikeSights(sights: readonly Sight[]): readonly string[] {
  const people = [...new Set(sights.map(({ person }) => person))]
  const seenBy = (person: DemoPerson): string => {
    const own = sights.filter((sight) => sight.person === person)
    return own.flatMap(({ answer }) => (answer.isError ? [] : podsIn(answer))).join()
  }
  return people.flatMap((one, index) =>
    people
      .slice(index + 1)
      .filter((other) => one.teams.join() !== other.teams.join() && seenBy(one) === seenBy(other))
      .map((other) => `${one.username} and ${other.username} see the same`),
  )
}

/** Where what people see depends on how they signed in, in sentences; empty when it does not. */
export function disagreements(one: readonly Sight[], other: readonly Sight[]): readonly string[] {
  const lines = (sights: readonly Sight[]) => sights.map((sight) => sightRow(sight).join(', '))
  const [ours, theirs] = [lines(one), lines(other)]
  const missing = ours.filter((line) => !theirs.includes(line))
  const added = theirs.filter((line) => !ours.includes(line))
  return [
    ...missing.map((line) => `only the one way: ${line}`),
    ...added.map((line) => `only the other way: ${line}`),
  ]
}

function answerDifferences({ person, team, answer }: Sight): string[] {
  const seen = podsIn(answer)
  if (person.teams.includes(team)) {
    const complete = !answer.isError && seen.join() === PODS[team].join()
    return complete ? [] : [`should see ${PODS[team].join(', ')}; was told: ${answer.text}`]
  }
  const refused = answer.isError && answer.text.includes(refusal(person, team)) && seen.length === 0
  return refused ? [] : [`should be refused by the cluster; was told: ${answer.text}`]
}

/** The API server's sentence for somebody who may not list a namespace's pods. */
function refusal(person: DemoPerson, team: Team): string {
  return `pods is forbidden: User "${person.clusterName}" cannot list resource "pods" in API group "" in the namespace "${team}"`
}

function podsIn({ text }: ToolAnswer): string[] {
  return TEAMS.flatMap((team) => PODS[team]).filter((pod) => text.includes(pod))
}

/** The sights as a table: who, where, and what they see or the cluster's words of refusal. */
export function sightTable(sights: readonly Sight[]): string {
  return alignColumns([['WHO', 'NAMESPACE', 'FOR THE CLUSTER', 'WHAT'], ...sights.map(sightRow)])
}

function sightRow({ person, team, answer, callers }: Sight): string[] {
  return [
    person.username,
    team,
    callers.join(', ') || 'nobody',
    answer.isError ? `refused: ${clusterWords(answer.text)}` : `sees ${podsIn(answer).join(', ')}`,
  ]
}

/** Without what the MCP server puts before the cluster's words. */
function clusterWords(text: string): string {
  return text.replace(/^failed to [^:]*: /, '').trim()
}

/** Rows as lines, each column as wide as its widest cell. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
