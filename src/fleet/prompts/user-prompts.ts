import { type Prompt, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server'
import type { MemberList } from '../calls/member-lists.ts'
import type { Fleet } from '../fleet.ts'
import type { FleetRequest } from '../fleet-request.ts'
import { type ArgumentName, splitArguments, targetOf } from '../tools/cluster-argument.ts'
import type { Merged } from '../tools/merge-by-name.ts'
import { inQuotes, toolNames } from '../tools/words.ts'
import { clustersOf, listsOf, type UserClusters } from '../view.ts'
import { mergePrompts, promptHasOwnCluster, withoutPromptArgument } from './prompt-catalogue.ts'

/** One user's clusters, and the prompts that are known there by now. */
export interface UserPrompts extends UserClusters {
  /** Of each cluster, in order. */
  readonly lists: readonly MemberList<Prompt>[]
  /** Sorted by name. */
  readonly prompts: readonly Merged<Prompt>[]
  readonly argument: ArgumentName
}

/**
 * The prompts of a user's clusters: asked of the clusters where they are not fresh.
 *
 * @param wanted names of those whose prompts are waited for; default: all
 */
export async function promptsOf(
  fleet: Fleet,
  request: FleetRequest,
  wanted?: ReadonlySet<string>,
): Promise<UserPrompts> {
  const clusters = await clustersOf(fleet, request)
  const known = await listsOf(fleet.prompts, { fleet, request, clusters, wanted })
  const lists = known.map((list, index) => {
    const filledIn = clusters.standings[index]?.member.resource.clusters_from
    if (list.items === undefined || filledIn === undefined) return list
    return { ...list, items: list.items.map((one) => withoutPromptArgument(one, filledIn)) }
  })
  if (lists.some(({ items = [] }) => promptHasOwnCluster(items))) fleet.giveWayInPrompts()
  return { ...clusters, lists, prompts: mergePrompts(lists), argument: fleet.promptArgument }
}

type Given = Readonly<Record<string, string>>

/** A prompt of one cluster, with the arguments that go there. */
export interface ClusterPrompt {
  readonly view: UserPrompts
  /** `undefined`: none is named. */
  readonly cluster: string | undefined
  readonly given: Given
}

/**
 * Reads which cluster a prompt's arguments name, and waits for that cluster's prompts alone. Those may
 * have a `cluster` of their own, and then ours was another argument.
 *
 * @throws ProtocolError for a cluster that is none of the user's, with those that there are, and for an
 *   argument that rolecall fills in itself
 */
export async function readClusterPrompt(
  fleet: Fleet,
  request: FleetRequest,
  { name, given }: { readonly name: string; readonly given: Given },
): Promise<ClusterPrompt> {
  const { value: early } = splitArguments(given, fleet.promptArgument)
  const view = await promptsOf(fleet, request, new Set([String(early)]))
  const { value, rest } = splitArguments(given, view.argument)
  if (value === undefined) return { view, cluster: undefined, given: rest as Given }
  const target = targetOf(value, view.names, view.argument)
  if (target.kind === 'none') throw invalid(target.problem)
  if (target.kind === 'many') {
    throw invalid(`A prompt is for one cluster at a time: name it in "${view.argument}".`)
  }
  const { cluster } = target
  const index = view.names.findIndex((one) => one.name === cluster)
  const { items } = view.lists[index] ?? {}
  if (items !== undefined && !items.some((prompt) => prompt.name === name)) {
    const names = toolNames(items.map((prompt) => prompt.name).toSorted())
    throw invalid(
      `${cluster} has no prompt ${inQuotes(name)}. ${names === '' ? 'It has none.' : `It has: ${names}.`}`,
    )
  }
  const filledIn = view.standings[index]?.member.resource.clusters_from
  if (filledIn === undefined) return { view, cluster, given: rest as Given }
  if (Object.hasOwn(rest, filledIn)) {
    throw invalid(`Leave out "${filledIn}": the cluster is named once.`)
  }
  return { view, cluster, given: { ...(rest as Given), [filledIn]: cluster } }
}

/** What is wrong with a request, told to whoever made it. */
export function invalid(words: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, words)
}
