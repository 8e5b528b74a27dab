import type { JSONObject, Tool } from '@modelcontextprotocol/server'
import type { FleetTool } from './catalogue.ts'
import { inQuotes } from './words.ts'

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
 * A call's arguments, apart from the cluster. Nobody else calls an argument `rolecall_cluster`: where
 * it is there, it is ours, also at a replica that has not yet seen a tool with a `cluster` of its own.
 *
 * @param argument what ours is called here, by what is known
 */
export function splitArguments(
  given: Readonly<Record<string, unknown>>,
  argument: ArgumentName,
): { readonly value: unknown; readonly rest: Readonly<Record<string, unknown>> } {
  const name = Object.hasOwn(given, 'rolecall_cluster') ? 'rolecall_cluster' : argument
  const value = Object.hasOwn(given, name) ? given[name] : undefined
  const rest = Object.fromEntries(Object.entries(given).filter(([key]) => key !== name))
  return { value, rest }
}

/** A tool without an argument that rolecall fills in itself (`clusters_from`). */
export function withoutArgument(tool: Tool, argument: string): Tool {
  const { properties = {}, required, ...schema } = tool.inputSchema
  if (!Object.hasOwn(properties, argument)) return tool
  const isOther = (name: string) => name !== argument
  return {
    ...tool,
    inputSchema: {
      ...schema,
      properties: Object.fromEntries(Object.entries(properties).filter(([name]) => isOther(name))),
      ...(required && { required: required.filter(isOther) }),
    },
  }
}

/**
 * A tool as clients of the fleet see it: with the cluster as its first argument, required, without a
 * default, also where there is but one cluster (a default is how a write reaches the wrong one).
 *
 * @param clusters all of the user's, in the order of the configuration
 */
export function withCluster(
  { definition, clusters: offered, isReadOnly }: FleetTool,
  parts: {
    readonly argument: ArgumentName
    readonly clusters: readonly ClusterName[]
    readonly fansOut: boolean
  },
): Tool {
  const { argument } = parts
  const clusters = parts.clusters.filter(({ name }) => offered.includes(name))
  const { properties = {}, required = [], ...schema } = withoutOurHeader(definition.inputSchema)
  const cluster = clusterSchema(clusters, parts.fansOut && isReadOnly)
  return {
    ...definition,
    inputSchema: {
      ...schema,
      properties: {
        [argument]: cluster,
        ...properties,
        [argument]: cluster, // first, and ours, whatever the tool has
      },
      required: [argument, ...required.filter((name) => name !== argument)],
    },
  }
}

const OUR_HEADER = 'Cluster'

/**
 * A schema whose arguments are mirrored into headers, but for the one that ours is mirrored into: no
 * client takes a tool that names one header twice (MCP 2026-07-28).
 */
function withoutOurHeader(schema: Tool['inputSchema']): Tool['inputSchema'] {
  const known = schemasWithoutIt.get(schema)
  if (known !== undefined) return known
  const text = JSON.stringify(schema)
  const mended: Tool['inputSchema'] = NAMES_OUR_HEADER.test(text)
    ? JSON.parse(text, (name, value: unknown) =>
        name === 'x-mcp-header' && IS_OUR_HEADER.test(String(value)) ? undefined : value,
      )
    : schema
  schemasWithoutIt.set(schema, mended)
  return mended
}

/** Kept lists are shown anew for each request. */
const schemasWithoutIt = new WeakMap<Tool['inputSchema'], Tool['inputSchema']>()
const NAMES_OUR_HEADER = /"x-mcp-header":"cluster"/i
const IS_OUR_HEADER = /^cluster$/i

function clusterSchema(clusters: readonly ClusterName[], fansOut: boolean): JSONObject {
  const common = { type: 'string', 'x-mcp-header': OUR_HEADER } as const
  const many = fansOut
    ? ` "${EVERY_CLUSTER}" asks all of them, "label=value" those with that label.`
    : ''
  const values = [
    ...clusters.map(({ name }) => name),
    ...(fansOut ? [EVERY_CLUSTER, ...labelPairs(clusters)] : []),
  ]
  if (clusters.length > MOST_LISTED || values.length > MOST_VALUES) {
    const description = `${NAMES_ELSEWHERE}${many}`
    const pattern = fansOut ? '^(\\*|[^=]*=.*|[a-z0-9-]{1,40})$' : '^[a-z0-9-]{1,40}$'
    return { ...common, pattern, description }
  }
  return { ...common, enum: values, description: `${clusterNames(clusters)}${many}` }
}

const NAMES_ELSEWHERE = 'The cluster to call. clusters_list tells their names.'

/** What the argument may be, in a sentence, where no schema can say it. */
export function clusterNames(clusters: readonly ClusterName[]): string {
  if (clusters.length > MOST_LISTED) return NAMES_ELSEWHERE
  const names = clusters.map(({ name, description }) =>
    description === undefined ? name : `${name} (${description})`,
  )
  return `The cluster to call: ${names.join('; ')}.`
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
export function targetOf(
  value: unknown,
  clusters: readonly ClusterName[],
  argument: ArgumentName,
): Target {
  if (typeof value !== 'string' || value === '') {
    return none(`Name a cluster in "${argument}".`, clusters)
  }
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
      ? none(`No cluster has the label ${inQuotes(value)}.${labelsLeft(clusters)}`, clusters)
      : { kind: 'many', clusters: matching.map(({ name }) => name) }
  }
  return clusters.some(({ name }) => name === value)
    ? { kind: 'one', cluster: value }
    : none(`There is no cluster ${inQuotes(value)} for you.`, clusters)
}

/** More names than a model can use are not told. */
const MOST_NAMED = 50

function none(problem: string, clusters: readonly ClusterName[]): Target {
  return { kind: 'none', problem: `${problem} ${clustersLeft(clusters)}` }
}

function labelsLeft(clusters: readonly ClusterName[]): string {
  const pairs = labelPairs(clusters)
  return pairs.length === 0 || pairs.length > MOST_NAMED ? '' : ` Labels: ${pairs.join(', ')}.`
}

/** The clusters that there are for the user, in a sentence. */
export function clustersLeft(clusters: readonly ClusterName[]): string {
  const names = clusters.slice(0, MOST_NAMED).map(({ name }) => name)
  const more = clusters.length > MOST_NAMED ? ', … (clusters_list tells all)' : ''
  return clusters.length === 0
    ? 'You may use none of the clusters here.'
    : `Your clusters: ${names.join(', ')}${more}.`
}
