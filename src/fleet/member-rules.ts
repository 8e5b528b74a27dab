import type { Tool } from '@modelcontextprotocol/server'
import type { ToolCall } from '../observe/record.ts'
import { judgeTool, type ToolHint, type ToolVerdict } from '../tool-rules/judge-tool.ts'
import { refusalWords } from '../tool-rules/refusal-words.ts'
import { toolCaller } from '../tool-rules/tool-caller.ts'
import type { PermittedMember } from './calls/member.ts'

/**
 * A tool with the strictest of its hints: what one list calls writing does not read in another, be it
 * another user's or seen at the member's own path.
 *
 * @param now milliseconds since the epoch
 */
export function withStrictestHint(
  { member, permit }: PermittedMember,
  tool: Tool,
  now: number,
): Tool {
  if (hintIn(tool) !== 'read_only') return tool
  const hint = member.upstream.hints.hintOf(permit.principal.userKey, tool.name, now)
  return hint === 'writes'
    ? { ...tool, annotations: { ...tool.annotations, readOnlyHint: false } }
    : tool
}

/** The tools that a member's rules let its user call: no other is shown. */
export function allowedTools(at: PermittedMember, tools: readonly Tool[]): readonly Tool[] {
  const { rules } = at.member.resource
  if (rules === 'shadow') return tools
  return tools.filter((tool) => verdictOf(at, tool.name, hintIn(tool)).kind === 'allow')
}

/** What a member's rules say of one call. */
export type RuledCall =
  | { readonly kind: 'allow'; readonly shadow?: ToolCall['shadow'] }
  | { readonly kind: 'refuse'; readonly reason: string; readonly words: string }

/**
 * Judges a call by the member's own rules, as at its own path.
 *
 * @param now milliseconds since the epoch
 */
export function judgeCall(at: PermittedMember, tool: string, now: number): RuledCall {
  const { resource, upstream } = at.member
  const hint = upstream.hints.hintOf(at.permit.principal.userKey, tool, now)
  const verdict = verdictOf(at, tool, hint)
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
    listMissing: hint === 'unknown',
  })
  return { kind: 'refuse', reason: verdict.reason, words }
}

function verdictOf(at: PermittedMember, tool: string, hint: ToolHint): ToolVerdict {
  return judgeTool(at.member.resource.allow, callerOf(at), tool, hint)
}

function callerOf({ member, permit }: PermittedMember) {
  return toolCaller(permit.principal, member.access.policy.comparable)
}

function hintIn({ annotations }: Tool): ToolHint {
  return annotations?.readOnlyHint === true ? 'read_only' : 'writes'
}
