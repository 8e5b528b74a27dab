import { printable } from '../oauth/printable.ts'
import type { ToolRule } from './judge-tool.ts'

const EVERY = '*'

/** What one rule lets whom do, in words for an operator. */
export function ruleWords({ tools, hint, groups, clients }: ToolRule): string {
  const what = tools.includes(EVERY) ? 'every tool' : oneOf(tools)
  const reading = hint === undefined ? '' : ' that the MCP server marks as read-only'
  const whose = groups.length === 0 ? 'everybody' : `users in ${oneOf(groups)}`
  const through = clients.length === 0 ? '' : `, through ${oneOf(clients)}`
  return `${whose}${through}: ${what}${reading}`
}

function oneOf(names: readonly string[]): string {
  return names.map((name) => printable(name)).join(' or ')
}
