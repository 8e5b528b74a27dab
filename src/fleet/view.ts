import type { Tool } from '@modelcontextprotocol/server'
import type { Member } from './calls/member.ts'
import type { Fleet } from './fleet.ts'
import { type FleetRequest, type Standing, standingAt } from './fleet-request.ts'
import { allowedTools } from './member-rules.ts'
import { type ClusterTools, type FleetTool, mergeTools } from './tools/catalogue.ts'
import {
  type ArgumentName,
  type ClusterName,
  hasOwnCluster,
  withCluster,
} from './tools/cluster-argument.ts'

/** The clusters that one user has, with where they stand at each. */
export interface UserClusters {
  /** In the order of the configuration, without those that do not let the user in. */
  readonly standings: readonly Exclude<Standing, { kind: 'not_permitted' }>[]
  readonly names: readonly ClusterName[]
}

/** The clusters, and the tools that are known there by now. */
export interface UserTools extends UserClusters {
  /** Of each cluster, whatever its rules let this user call. */
  readonly lists: readonly ClusterTools[]
  /** Sorted by name. */
  readonly tools: readonly FleetTool[]
  readonly argument: ArgumentName
}

/** Which clusters a user has: by configuration and rights alone, never by what is up. */
export async function clustersOf(
  { members, clock }: Pick<Fleet, 'members' | 'clock'>,
  { principal }: FleetRequest,
): Promise<UserClusters> {
  const all = await Promise.all(members.map((member) => standingAt(member, principal, clock)))
  const standings = all.filter((standing) => standing.kind !== 'not_permitted')
  return { standings, names: standings.map(({ member }) => nameOf(member)) }
}

/** As `clustersOf`, with the tools: asked of the clusters where they are not fresh. */
export async function toolsOf(fleet: Fleet, request: FleetRequest): Promise<UserTools> {
  const clusters = await clustersOf(fleet, request)
  const permitted = clusters.standings.filter((standing) => standing.kind === 'permitted')
  const known = await fleet.lists.of(
    permitted.map(({ member, permit }) => fleet.callTo({ member, permit }, request)),
  )
  const lists = clusters.names.map(
    ({ name }) => known.find(({ cluster }) => cluster === name) ?? { cluster: name },
  )
  if (lists.some(({ tools = [] }) => hasOwnCluster(tools))) fleet.giveWay()
  return {
    ...clusters,
    lists,
    tools: mergeTools(allowedLists(clusters, lists)),
    argument: fleet.argument,
  }
}

/** The tools as this user's client sees them, but for the fleet's own. */
export function shownTools(
  { tools, argument, names, standings }: UserTools,
  fansOut: boolean,
): Tool[] {
  const hidden = new Set(
    standings
      .map(({ member }) => member.resource.clusters_from)
      .filter((name) => name !== undefined),
  )
  return tools.map((tool) => withCluster(tool, { argument, clusters: names, fansOut, hidden }))
}

/** A tool that a cluster's rules do not let this user call is not there. */
function allowedLists({ standings }: UserClusters, lists: readonly ClusterTools[]): ClusterTools[] {
  return lists.map((list, index) => {
    const standing = standings[index]
    if (list.tools === undefined || standing?.kind !== 'permitted') return list
    return { ...list, tools: allowedTools(standing, list.tools) }
  })
}

function nameOf({ resource: { name, description, labels } }: Member): ClusterName {
  return { name, labels, ...(description !== undefined && { description }) }
}
