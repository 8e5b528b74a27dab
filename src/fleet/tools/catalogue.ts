import type { Tool } from '@modelcontextprotocol/server'
import { canonicalJson } from './canonical-json.ts'
import { compareVersions } from './versions.ts'

/** The tools of one cluster, as one user may see them. */
export interface ClusterTools {
  readonly cluster: string
  /** As the MCP server says of itself; absent: it says none. */
  readonly serverVersion?: string | undefined
  /** Absent: nobody has told yet, or the last answer is lost. */
  readonly tools?: readonly Tool[]
}

/** One tool of the fleet, under its own name. */
export interface FleetTool {
  readonly name: string
  /** The one that is shown: of the newest server, where they differ. */
  readonly definition: Tool
  /** Clusters where a call as shown is right, in the order of the configuration. */
  readonly clusters: readonly string[]
  /** Clusters that have a tool of this name with another schema. */
  readonly differsOn: readonly string[]
  /** Marked read-only by every cluster that is known to have it. */
  readonly isReadOnly: boolean
}

/**
 * Makes one list of the lists of all clusters. Tools are one where name and schema are; where schemas
 * differ, that of the newest server is shown, and the tool is offered on the clusters that have it so.
 * A cluster whose tools are not known counts as having each: what a user is offered depends on
 * configuration and rights, never on health, since clients keep lists for long.
 *
 * Not checked: whether a hint is true, which is the MCP server's word.
 *
 * @param lists in the order of the configuration
 * @returns sorted by name
 */
export function mergeTools(lists: readonly ClusterTools[]): readonly FleetTool[] {
  const byName = new Map<string, Offer[]>()
  for (const { cluster, serverVersion, tools } of lists) {
    for (const definition of tools ?? []) {
      const offers = byName.get(definition.name) ?? []
      // A second tool of the same name on one server cannot be called apart from the first.
      if (offers.at(-1)?.cluster === cluster) continue
      offers.push({ cluster, serverVersion, definition })
      byName.set(definition.name, offers)
    }
  }
  const unknown = lists.filter(({ tools }) => tools === undefined).map(({ cluster }) => cluster)
  return [...byName.values()]
    .map((offers) => merge(offers, lists, unknown))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Kept lists are merged anew for each request. */
const schemaTexts = new WeakMap<Tool['inputSchema'], string>()

function schemaText({ inputSchema }: Tool): string {
  const text = schemaTexts.get(inputSchema) ?? canonicalJson(inputSchema)
  schemaTexts.set(inputSchema, text)
  return text
}

interface Offer {
  readonly cluster: string
  readonly serverVersion: string | undefined
  readonly definition: Tool
}

function merge(
  offers: readonly Offer[],
  lists: readonly ClusterTools[],
  unknown: readonly string[],
): FleetTool {
  const shown = offers.reduce((best, offer) =>
    compareVersions(offer.serverVersion, best.serverVersion) > 0 ? offer : best,
  )
  const schema = schemaText(shown.definition)
  const alike = (offer: Offer) => schemaText(offer.definition) === schema
  const takes = new Set([...offers.filter(alike).map(({ cluster }) => cluster), ...unknown])
  const definitions = offers.map(({ definition }) => definition)
  const strictest = strictestHints(definitions)
  return {
    name: shown.definition.name,
    definition: shownDefinition(shown.definition, strictest),
    clusters: lists.map(({ cluster }) => cluster).filter((cluster) => takes.has(cluster)),
    differsOn: offers.filter((offer) => !alike(offer)).map(({ cluster }) => cluster),
    isReadOnly: strictest.readOnlyHint,
  }
}

/** Without what the fleet's answers do not keep: another shape for several clusters, and no tasks. */
function shownDefinition(tool: Tool, hints: Hints): Tool {
  const { outputSchema: _shape, execution: _tasks, annotations, ...shown } = tool
  return { ...shown, annotations: { ...annotations, ...hints } }
}

interface Hints {
  readonly readOnlyHint: boolean
  readonly destructiveHint: boolean
  readonly idempotentHint: boolean
  readonly openWorldHint: boolean
}

/** What is not said counts as the worse of the two, as MCP's defaults have it. */
function strictestHints(tools: readonly Tool[]): Hints {
  const every = (hint: keyof Hints, value: boolean) =>
    tools.every(({ annotations }) => annotations?.[hint] === value)
  const readOnlyHint = every('readOnlyHint', true)
  return {
    readOnlyHint,
    destructiveHint: !readOnlyHint && !every('destructiveHint', false),
    idempotentHint: every('idempotentHint', true),
    openWorldHint: !every('openWorldHint', false),
  }
}
