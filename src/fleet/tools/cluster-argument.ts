import type { JSONObject, Tool } from '@modelcontextprotocol/server'
import type { FleetTool } from './catalogue.ts'

/** A cluster as users and models are told of it. */
export interface ClusterName {
  readonly name: string
  readonly description?: string | undefined
  readonly labels: Readonly<Record<string, string>>
}

/** What the argument is called: the second where some tool has a `cluster` of its own. */
export type ArgumentName = 'cluster' | 'rolecall_cluster'

/** Every cluster of the user. */
export const EVERY_CLUSTER = '*'

/** Beyond, the names are not listed in each tool. */
const MOST_LISTED = 32
/** Label pairs, too: a list of values stays readable. */
const MOST_VALUES = 64

/** Whether some tool has a `cluster` of its own, which ours must not hide. */
export function hasOwnCluster(tools: readonly Tool[]): boolean {
  return tools.some(({ inputSchema }) => Object.hasOwn(inputSchema.properties ?? {}, 'cluster'))
}

/**
 * A tool as clients of the fleet see it: with the cluster as its first argument, required, without a
 * default, also where there is but one cluster (a default is how a write reaches the wrong one).
 *
 * @param clusters all of the user's, in the order of the configuration
 * @param hidden an argument that rolecall fills in itself (`clusters_from`)
 */
export function withCluster(
  { definition, clusters: offered, isReadOnly }: FleetTool,
  parts: {
    readonly argument: ArgumentName
    readonly clusters: readonly ClusterName[]
    readonly fansOut: boolean
    readonly hidden: ReadonlySet<string>
  },
): Tool {
  const { argument, hidden } = parts
  const clusters = parts.clusters.filter(({ name }) => offered.includes(name))
  const { properties = {}, required = [], ...schema } = definition.inputSchema
  const own = Object.entries(properties).filter(([name]) => !hidden.has(name))
  return {
    ...definition,
    inputSchema: {
      ...schema,
      properties: {
        [argument]: clusterSchema(clusters, parts.fansOut && isReadOnly),
        ...Object.fromEntries(own),
      },
      required: [argument, ...required.filter((name) => !hidden.has(name))],
    },
  }
}

function clusterSchema(clusters: readonly ClusterName[], fansOut: boolean): JSONObject {
  const common = { type: 'string', 'x-mcp-header': 'Cluster' } as const
  const many = fansOut
    ? ` "${EVERY_CLUSTER}" asks all of them, "label=value" those with that label.`
    : ''
  const values = [
    ...clusters.map(({ name }) => name),
    ...(fansOut ? [EVERY_CLUSTER, ...labelPairs(clusters)] : []),
  ]
  if (clusters.length > MOST_LISTED || values.length > MOST_VALUES) {
    const description = `The cluster to call. clusters_list tells their names.${many}`
    const pattern = fansOut ? '^(\\*|[^=]+=[^=]*|[a-z0-9-]{1,40})$' : '^[a-z0-9-]{1,40}$'
    return { ...common, pattern, description }
  }
  const names = clusters.map(({ name, description }) =>
    description === undefined ? name : `${name} (${description})`,
  )
  return {
    ...common,
    enum: values,
    description: `The cluster to call: ${names.join('; ')}.${many}`,
  }
}

function labelPairs(clusters: readonly ClusterName[]): readonly string[] {
  const pairs = clusters.flatMap(({ labels }) =>
    Object.entries(labels).map(([key, value]) => `${key}=${value}`),
  )
  return [...new Set(pairs)].toSorted()
}

/** What the cluster argument of a call names. */
export type Target =
  | { readonly kind: 'one'; readonly cluster: string }
  | { readonly kind: 'many'; readonly clusters: readonly string[] }
  /** Told to the model, which can mend its call. */
  | { readonly kind: 'none'; readonly problem: string }

/**
 * Reads which of a user's clusters a call is for.
 *
 * @param value of the cluster argument, as it came
 * @param clusters all of the user's
 */
export function targetOf(value: unknown, clusters: readonly ClusterName[]): Target {
  if (typeof value !== 'string' || value === '') return none('Name a cluster.', clusters)
  if (value === EVERY_CLUSTER) {
    return clusters.length === 0
      ? none('No cluster lets you in.', clusters)
      : { kind: 'many', clusters: clusters.map(({ name }) => name) }
  }
  const [label = '', ...rest] = value.split('=')
  if (rest.length > 0) {
    const matching = clusters.filter(
      ({ labels }) => Object.hasOwn(labels, label) && labels[label] === rest.join('='),
    )
    return matching.length === 0
      ? none(`No cluster has the label ${quoted(value)}.`, clusters)
      : { kind: 'many', clusters: matching.map(({ name }) => name) }
  }
  return clusters.some(({ name }) => name === value)
    ? { kind: 'one', cluster: value }
    : none(`There is no cluster ${quoted(value)} for you.`, clusters)
}

/** More names than a model can use are not told. */
const MOST_NAMED = 50

function none(problem: string, clusters: readonly ClusterName[]): Target {
  const names = clusters.slice(0, MOST_NAMED).map(({ name }) => name)
  const more = clusters.length > MOST_NAMED ? ', … (clusters_list tells all)' : ''
  const remedy =
    clusters.length === 0
      ? 'You may use none of the clusters here.'
      : `Your clusters: ${names.join(', ')}${more}.`
  return { kind: 'none', problem: `${problem} ${remedy}` }
}

/** A client's own text, short and on one line. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
