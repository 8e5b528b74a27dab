import { member, text } from '../oauth/claims.ts'
import { printable } from '../oauth/printable.ts'

/** A tool as `tools/list` describes it, as far as probing needs it. */
export interface ListedTool {
  readonly name: string
  readonly needsArguments: boolean
  /** `annotations.readOnlyHint`; absent: not said. */
  readonly readOnly?: boolean
}

export type ChosenTool =
  | { readonly kind: 'tool'; readonly name: string }
  /** `why` is the end of a sentence. */
  | { readonly kind: 'none'; readonly why: string }

/** Tools of kubernetes-mcp-server that list, and that reach the API server as the caller. */
const usual: readonly string[] = ['namespaces_list', 'pods_list']

/**
 * Picks the tool to probe with: `probe_tool`, else the first of the usual ones, else the first that
 * says it only reads and needs no argument. A tool that says it changes something is never picked.
 *
 * @param configured `probe_tool`
 */
export function chooseTool(
  listed: readonly ListedTool[],
  configured: string | undefined,
): ChosenTool {
  if (configured !== undefined) return configuredTool(listed, configured)
  const harmless = listed.filter((tool) => !tool.needsArguments && tool.readOnly !== false)
  const known = usual.find((name) => harmless.some((tool) => tool.name === name))
  const name = known ?? harmless.find((tool) => tool.readOnly)?.name
  if (name !== undefined) return { kind: 'tool', name }
  return { kind: 'none', why: 'it lists no tool that only reads and needs no argument' }
}

function configuredTool(listed: readonly ListedTool[], configured: string): ChosenTool {
  const tool = listed.find(({ name }) => name === configured)
  const shown = printable(configured)
  if (tool === undefined) return { kind: 'none', why: `it does not list probe_tool ${shown}` }
  if (tool.readOnly === false) {
    return { kind: 'none', why: `probe_tool ${shown} says that it does more than read` }
  }
  if (tool.needsArguments) return { kind: 'none', why: `probe_tool ${shown} needs arguments` }
  return { kind: 'tool', name: configured }
}

/** The tools of a `tools/list` result. What is no tool is passed over. */
export function readTools(result: Readonly<Record<string, unknown>>): readonly ListedTool[] {
  const tools = member(result, 'tools')
  if (!Array.isArray(tools)) return []
  return tools.flatMap((tool: unknown) => {
    if (!isObject(tool)) return []
    const name = text(tool, 'name')
    return name === undefined ? [] : [{ name, ...described(tool) }]
  })
}

function described(tool: Readonly<Record<string, unknown>>): Omit<ListedTool, 'name'> {
  const schema = member(tool, 'inputSchema')
  const required = isObject(schema) ? member(schema, 'required') : undefined
  const annotations = member(tool, 'annotations')
  const readOnly = isObject(annotations) ? member(annotations, 'readOnlyHint') : undefined
  return {
    needsArguments: Array.isArray(required) && required.length > 0,
    ...(typeof readOnly === 'boolean' && { readOnly }),
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
