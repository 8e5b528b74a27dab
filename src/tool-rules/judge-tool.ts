import type { ResourceConfig } from '../config/config.ts'
import { matchesTool } from '../config/tool-pattern.ts'

/** `[[resource.allow]]`. */
export type ToolRule = ResourceConfig['allow'][number]

/** Who calls, as far as rules ask. */
export interface ToolCaller {
  /** As they are compared with those of a rule. */
  readonly groups: readonly string[]
  /** Whether the token leaves the groups out for their number. */
  readonly groupsLeftOut: boolean
  /** By which names a rule may mean this client: see `tool-caller.ts`. */
  readonly clients: readonly string[]
}

/** What the MCP server says of a tool: `readOnlyHint = true`, anything else, or nothing known. */
export type ToolHint = 'read_only' | 'writes' | 'unknown'

/** What a call does not have that a rule asks for. */
export type Lacking = 'tool' | 'hint' | 'group' | 'client'

/** One rule, and why it does not allow the call; nothing lacking: it does. */
export interface TriedRule {
  readonly rule: ToolRule
  readonly lacks: readonly Lacking[]
}

export type ToolRefusalReason = 'tool_not_allowed' | 'tool_hint_unknown' | 'tool_name_malformed'

export type ToolVerdict =
  | { readonly kind: 'allow'; readonly rule: ToolRule }
  | {
      readonly kind: 'refuse'
      readonly reason: ToolRefusalReason
      readonly tried: readonly TriedRule[]
    }

/** Twice what MCP recommends as the longest. */
const LONGEST_NAME_CHARACTERS = 256

/**
 * Whether tool rules let a caller call a tool: some rule must be met as a whole. Without rules every
 * tool may be called. The same judgement holds for calls and for lists.
 *
 * A tool whose hint is not known counts as one that writes. Not checked: what the user may do in the
 * cluster, which the API server decides, and whether the server tells the truth about its tools.
 *
 * @param tool its name in the body that is forwarded; `undefined`: the call names none
 */
export function judgeTool(
  rules: readonly ToolRule[],
  caller: ToolCaller,
  tool: string | undefined,
  hint: ToolHint,
): ToolVerdict {
  const tried = tryRules(rules, caller, tool ?? '', hint)
  if (rules.length > 0 && !isWellFormed(tool)) {
    return { kind: 'refuse', reason: 'tool_name_malformed', tried }
  }
  const met = tried.find(({ lacks }) => lacks.length === 0)
  if (met !== undefined) return { kind: 'allow', rule: met.rule }
  if (rules.length === 0) return { kind: 'allow', rule: EVERY_TOOL }
  const hangsOnHint = hint === 'unknown' && tried.some(({ lacks }) => isOnlyHint(lacks))
  return { kind: 'refuse', reason: hangsOnHint ? 'tool_hint_unknown' : 'tool_not_allowed', tried }
}

/** The tools of a list that a caller may call, in its order. */
export function visibleTools<Tool extends { readonly name: string; readonly hint: ToolHint }>(
  tools: readonly Tool[],
  rules: readonly ToolRule[],
  caller: ToolCaller,
): readonly Tool[] {
  return tools.filter(({ name, hint }) => judgeTool(rules, caller, name, hint).kind === 'allow')
}

/** Every rule, in its order, with what a call lacks for it. */
export function tryRules(
  rules: readonly ToolRule[],
  caller: ToolCaller,
  tool: string,
  hint: ToolHint,
): readonly TriedRule[] {
  return rules.map((rule) => {
    const met: Readonly<Record<Lacking, boolean>> = {
      tool: rule.tools.some((pattern) => matchesTool(pattern, tool)),
      hint: rule.hint === undefined || hint === rule.hint,
      group: meets(rule.groups, caller.groups),
      client: meets(rule.clients, caller.clients),
    }
    return { rule, lacks: demands.filter((demand) => !met[demand]) }
  })
}

const demands = ['tool', 'hint', 'group', 'client'] as const

const EVERY_TOOL: ToolRule = { tools: ['*'], groups: [], clients: [] }

function meets(wanted: readonly string[], had: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some((one) => had.includes(one))
}

function isOnlyHint(lacks: readonly Lacking[]): boolean {
  return lacks.length === 1 && lacks[0] === 'hint'
}

/**
 * Whether servers of every language read a name as the same one. A NUL ends it for some, others strip
 * white space, or replace half a surrogate pair: a pattern would allow one tool, and another would run
 * (parser differential).
 */
function isWellFormed(name: string | undefined): boolean {
  if (name === undefined || name === '' || name.length > LONGEST_NAME_CHARACTERS) return false
  return !/\p{C}|^\s|\s$/u.test(name)
}
