import { type ArgumentName, type ClusterName, EVERY_CLUSTER } from './cluster-argument.ts'

const MOST_BYTES = 2048
/** For the line that tells how many are left out. */
const RESERVED_BYTES = 48

interface Shape {
  readonly argument: ArgumentName
  readonly fansOut: boolean
}

/** What holds of every fleet, whatever its clusters: also for clients that read no instructions. */
export function fleetRules({ argument, fansOut }: Shape): string {
  return [
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
}

/**
 * What a model is told of the fleet when it connects: from the real configuration, at most 2 KB.
 *
 * @param clusters all of the user's
 */
export function instructions(
  clusters: readonly ClusterName[],
  { argument, fansOut }: Shape,
): string {
  const rules = fleetRules({ argument, fansOut })
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
