import type { Prompt } from '@modelcontextprotocol/server'
import type { MemberList } from '../calls/member-lists.ts'
import { type ArgumentName, type ClusterName, clusterNames } from '../tools/cluster-argument.ts'
import { type Merged, mergeByName } from '../tools/merge-by-name.ts'

/** Whether some prompt has a `cluster` of its own, which ours must not hide. */
export function promptHasOwnCluster(prompts: readonly Prompt[]): boolean {
  return prompts.some(({ arguments: given = [] }) => given.some(({ name }) => name === 'cluster'))
}

/** A prompt without an argument that rolecall fills in itself (`clusters_from`). */
export function withoutPromptArgument(prompt: Prompt, argument: string): Prompt {
  if (prompt.arguments === undefined) return prompt
  return { ...prompt, arguments: prompt.arguments.filter(({ name }) => name !== argument) }
}

/**
 * Makes one list of the prompts of all clusters, under the upstream's own names. Prompts are one where
 * their names are, and the names of their arguments and which of these are required.
 *
 * @param lists in the order of the configuration
 * @returns sorted by name
 */
export function mergePrompts(lists: readonly MemberList<Prompt>[]): readonly Merged<Prompt>[] {
  return mergeByName(lists, ({ arguments: given = [] }) =>
    JSON.stringify(given.map(({ name, required = false }) => [name, required]).toSorted()),
  )
}

/**
 * A prompt as clients of the fleet see it: with the cluster as its first argument, required.
 *
 * @param clusters all of the user's, in the order of the configuration
 */
export function promptWithCluster(
  { shown, clusters: offered }: Merged<Prompt>,
  { argument, clusters }: { argument: ArgumentName; clusters: readonly ClusterName[] },
): Prompt {
  const names = clusters.filter(({ name }) => offered.includes(name))
  const others = (shown.arguments ?? []).filter(({ name }) => name !== argument)
  const cluster = { name: argument, description: clusterNames(names), required: true }
  return { ...shown, arguments: [cluster, ...others] }
}
