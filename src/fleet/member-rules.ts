import type { Tool } from '@modelcontextprotocol/server'
import type { ToolCall } from '../observe/record.ts'
import { judgeTool, type ToolHint, type ToolVerdict } from '../tool-rules/judge-tool.ts'
import { refusalWords } from '../tool-rules/refusal-words.ts'
import { toolCaller } from '../tool-rules/tool-caller.ts'
import type { PermittedMember } from './calls/member.ts'

/** The tools that a member's rules let its user call: no other is shown. */
export function allowedTools(at: PermittedMember, tools: readonly Tool[]): readonly Tool[] {
  const { rules } = at.member.resource
  if (rules === 'shadow') return tools
  return tools.filter((tool) => verdictOf(at, tool.name, tool).kind === 'allow')
}

/** What a member's rules say of one call. */
export type RuledCall =
  | { readonly kind: 'allow'; readonly shadow?: ToolCall['shadow'] }
  | { readonly kind: 'refuse'; readonly reason: string; readonly words: string }

/**
 * Judges a call by the member's own rules, as at its own path.
 *
 * @param definition as the member lists it; `undefined`: not known, and then it counts as one that writes
 */
export function judgeCall(
  at: PermittedMember,
  tool: string,
  definition: Tool | undefined,
): RuledCall {
  const { resource } = at.member
  const verdict = verdictOf(at, tool, definition)
  if (resource.rules === 'shadow') {
    const reason = verdict.kind === 'refuse' ? { reason: verdict.reason } : {}
    return { kind: 'allow', shadow: { decision: verdict.kind, ...reason } }
  }
  if (verdict.kind === 'allow') return { kind: 'allow' }
  const words = refusalWords({
    resource: resource.name,
    tool,
    verdict,
    caller: callerOf(at),
    listMissing: definition === undefined,
  })
  return { kind: 'refuse', reason: verdict.reason, words }
}

function verdictOf(at: PermittedMember, tool: string, definition: Tool | undefined): ToolVerdict {
  return judgeTool(at.member.resource.allow, callerOf(at), tool, hintOf(definition))
}

function callerOf({ member, permit }: PermittedMember) {
  return toolCaller(permit.principal, member.access.policy.comparable)
}

function hintOf(definition: Tool | undefined): ToolHint {
  if (definition === undefined) return 'unknown'
  return definition.annotations?.readOnlyHint === true ? 'read_only' : 'writes'
}
