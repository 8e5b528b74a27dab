import { type ArgumentName, type ClusterName, EVERY_CLUSTER } from './cluster-argument.ts'

const MOST_BYTES = 2048
/** For the line that tells how many are left out. */
const RESERVED_BYTES = 48

/**
 * What a model is told of the fleet when it connects: from the real configuration, at most 2 KB.
 *
 * @param clusters all of the user's
 */
export function instructions(
  clusters: readonly ClusterName[],
  { argument, fansOut }: { readonly argument: ArgumentName; readonly fansOut: boolean },
): string {
  const rules = [
    `Every tool takes "${argument}", the cluster to call. It is required and has no default.`,
    ...(fansOut
      ? [
          `"${EVERY_CLUSTER}" asks all clusters at once, "label=value" those with a label: for tools that only read.`,
          'The last part of such an answer says which clusters are missing. Tell the user of each of them.',
        ]
      : []),
    'Name the cluster of every finding. Do not take what is so on one cluster to be so on another.',
    'clusters_list tells the clusters, whether each can be reached, and who you are there.',
  ].join('\n')
  const heading = `${clusters.length === 1 ? 'One Kubernetes cluster' : `${clusters.length} Kubernetes clusters`}, each call made as the signed-in user:`
  const names: string[] = []
  let room = MOST_BYTES - RESERVED_BYTES - Buffer.byteLength(heading + rules)
  for (const { name, description } of clusters) {
    const line = description === undefined ? `- ${name}` : `- ${name}: ${description}`
    room -= Buffer.byteLength(line) + 1
    if (room < 0) break
    names.push(line)
  }
  const left = clusters.length - names.length
  return [
    heading,
    ...names,
    ...(left > 0 ? [`- and ${left} more (clusters_list)`] : []),
    rules,
  ].join('\n')
}
