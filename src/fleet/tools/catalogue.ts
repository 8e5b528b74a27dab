import type { Tool } from '@modelcontextprotocol/server'
import { canonicalJson } from './canonical-json.ts'
import { mergeByName } from './merge-by-name.ts'

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
 * Makes one list of the tools of all clusters. Tools are one where name and schema are.
 *
 * Not checked: whether a hint is true, which is the MCP server's word.
 *
 * @param lists in the order of the configuration
 * @returns sorted by name
 */
export function mergeTools(lists: readonly ClusterTools[]): readonly FleetTool[] {
  const named = lists.map(({ tools, ...list }) => ({ ...list, ...(tools && { items: tools }) }))
  return mergeByName(named, schemaText).map(({ shown, all, clusters, differsOn }) => {
    const strictest = strictestHints(all)
    return {
      name: shown.name,
      definition: shownDefinition(shown, strictest),
      clusters,
      differsOn,
      isReadOnly: strictest.readOnlyHint,
    }
  })
}

/** Kept lists are merged anew for each request. */
const schemaTexts = new WeakMap<Tool['inputSchema'], string>()

function schemaText({ inputSchema }: Tool): string {
  const text = schemaTexts.get(inputSchema) ?? canonicalJson(inputSchema)
  schemaTexts.set(inputSchema, text)
  return text
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
