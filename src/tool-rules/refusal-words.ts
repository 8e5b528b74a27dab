import { isHarmless, quoted } from '../access/policy-words.ts'
import type { ToolCaller, ToolVerdict, TriedRule } from './judge-tool.ts'

/** What a refusal is about. */
export interface RefusedCall {
  readonly resource: string
  readonly tool: string | undefined
  readonly verdict: Extract<ToolVerdict, { kind: 'refuse' }>
  readonly caller: ToolCaller
  /** Whether the server's list of tools, which was asked for, could not be had. */
  readonly listMissing?: boolean
}

const PLAIN = 'The rules of this resource do not let this user call this tool; use another one.'

/**
 * One sentence for the model that made the call: which tool, and what would allow it. Nothing in it
 * makes a client sign its user out, whatever tools, groups and resources are called.
 */
export function refusalWords(call: RefusedCall): string {
  const words = sentence(call)
  return isHarmless(words) ? words : PLAIN
}

function sentence({ resource, tool, verdict, caller, listMissing = false }: RefusedCall): string {
  const { reason, tried } = verdict
  const where = `the rules of resource ${quoted(resource)}`
  if (reason === 'tool_name_malformed' || tool === undefined) {
    return `This call does not name a tool as a list of tools could, so ${where} refuse it; list the tools, and call one by its name there.`
  }
  const name = quoted(tool)
  if (reason === 'tool_hint_unknown') {
    const why = listMissing
      ? 'its list of tools could not be had just now; try again in a few seconds'
      : 'its list of tools does not have it; list the tools, and call one that is there'
    return `For this user ${where} allow ${name} only where the MCP server marks it as read-only, and ${why}.`
  }
  const ways = tried.filter(({ lacks }) => !lacks.includes('tool')).map(way)
  const unknown = caller.groupsLeftOut && tried.some(({ lacks }) => lacks.includes('group'))
  const left = unknown ? ' (the token does not list the groups of this user, for their number)' : ''
  if (ways.length === 0)
    return `No rule of resource ${quoted(resource)} allows ${name} to anybody; use another tool.`
  return `For this user and client ${where} do not allow ${name}; they would ${[...new Set(ways)].join(', or ')}${left}; ask an administrator, or use another tool.`
}

function way({ rule, lacks }: TriedRule): string {
  const parts = [
    ...(lacks.includes('group') ? [`for members of ${listed(rule.groups)}`] : []),
    ...(lacks.includes('client') ? [`through the client ${listed(rule.clients)}`] : []),
    ...(lacks.includes('hint') ? ['if the MCP server marked it as read-only'] : []),
  ]
  return parts.join(' ')
}

const MOST_LISTED = 5

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_LISTED).map(quoted)
  const more = names.length > MOST_LISTED ? [`${names.length - MOST_LISTED} more`] : []
  return [...shown, ...more].join(' or ')
}
