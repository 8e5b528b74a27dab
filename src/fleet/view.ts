import type { Tool } from '@modelcontextprotocol/server'
import type { Member } from './calls/member.ts'
import type { MemberList, MemberLists } from './calls/member-lists.ts'
import { CLUSTERS_LIST } from './clusters-list.ts'
import type { Fleet } from './fleet.ts'
import { type FleetRequest, type Standing, standingAt } from './fleet-request.ts'
import { allowedTools, withStrictestHint } from './member-rules.ts'
import { type ClusterTools, type FleetTool, mergeTools } from './tools/catalogue.ts'
import {
  type ArgumentName,
  type ClusterName,
  hasOwnCluster,
  withCluster,
  withoutArgument,
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

/**
 * Adds the tools: asked of the clusters where they are not fresh.
 *
 * @param wanted names of those whose tools are waited for; default: all
 */
export async function toolsOf(
  fleet: Fleet,
  request: FleetRequest,
  clusters: UserClusters,
  wanted?: ReadonlySet<string>,
): Promise<UserTools> {
  const known = await listsOf(fleet.tools, { fleet, request, clusters, wanted })
  const now = fleet.clock.now()
  const lists = known.map(({ items, ...list }, index) => {
    const at = clusters.standings[index]
    if (items === undefined || at?.kind !== 'permitted') return list
    return { ...list, tools: items.map((tool) => withStrictestHint(at, tool, now)) }
  })
  const shown = shownLists(clusters, lists)
  if (shown.some(({ tools = [] }) => hasOwnCluster(tools))) fleet.giveWay()
  return { ...clusters, lists, tools: mergeTools(shown), argument: fleet.argument }
}

/** The lists of one kind, of each of the user's clusters. */
export async function listsOf<Item extends object>(
  lists: MemberLists<Item>,
  {
    fleet,
    request,
    clusters: { standings, names },
    wanted,
  }: {
    readonly fleet: Fleet
    readonly request: FleetRequest
    readonly clusters: UserClusters
    /** Names of those whose lists are waited for; absent: all. */
    readonly wanted?: ReadonlySet<string> | undefined
  },
): Promise<readonly MemberList<Item>[]> {
  const permitted = standings.filter((standing) => standing.kind === 'permitted')
  const known = await lists.of(
    permitted.map(({ member, permit }) => fleet.callTo({ member, permit }, request)),
    wanted,
  )
  const byName = new Map(known.map((list) => [list.cluster, list]))
  return names.map(({ name }) => byName.get(name) ?? { cluster: name })
}

/** The tools as this user's client sees them, but for the fleet's own. */
export function shownTools({ tools, argument, names }: UserTools, fansOut: boolean): Tool[] {
  return tools.map((tool) => withCluster(tool, { argument, clusters: names, fansOut }))
}

/**
 * Without the tools that a cluster's rules do not let this user call, without one under the name of the
 * fleet's own (tool shadowing), and without what is filled in.
 */
function shownLists({ standings }: UserClusters, lists: readonly ClusterTools[]): ClusterTools[] {
  return lists.map((list, index) => {
    const standing = standings[index]
    if (list.tools === undefined || standing?.kind !== 'permitted') return list
    const { clusters_from: filledIn } = standing.member.resource
    const allowed = allowedTools(standing, list.tools)
    const tools = allowed.filter(({ name }) => name !== CLUSTERS_LIST)
    return {
      ...list,
      tools: filledIn === undefined ? tools : tools.map((tool) => withoutArgument(tool, filledIn)),
    }
  })
}

function nameOf({ resource: { name, description, labels } }: Member): ClusterName {
  return { name, labels, ...(description !== undefined && { description }) }
}
