import type { ResourceAccess } from '../../access/authenticate.ts'
import type { Permit } from '../../access/authorize.ts'
import type { ResourceConfig } from '../../config/config.ts'
import { printable } from '../../oauth/printable.ts'
import {
  judgeTool,
  type Lacking,
  type ToolCaller,
  type ToolHint,
  type ToolVerdict,
  type TriedRule,
  tryRules,
} from '../../tool-rules/judge-tool.ts'
import { refusalWords } from '../../tool-rules/refusal-words.ts'
import { ruleWords } from '../../tool-rules/rule-words.ts'
import { toolCaller } from '../../tool-rules/tool-caller.ts'

/** A tool that is asked about. */
export interface AskedTool {
  readonly name: string
  /** As `--read-only` or `--writes` says; else `unknown`. */
  readonly hint: ToolHint
}

export interface ToolExplanation {
  /** `undecided`: it hangs on a hint that is not known here. */
  readonly verdict: 'allowed' | 'refused' | 'undecided'
  readonly lines: readonly string[]
}

/**
 * Tries every tool rule of a resource on one call: which parts are met, and what comes of all of them.
 * Nobody is asked for the tool's hint; where it decides and is not given, both ways are told.
 *
 * @param permit of this resource
 */
export function explainTool(
  resource: ResourceConfig,
  { principal }: Permit,
  asked: AskedTool,
  access: ResourceAccess,
): ToolExplanation {
  const caller = toolCaller(principal, access.policy.comparable)
  const { allow } = resource
  const verdict = judgeTool(allow, caller, asked.name, asked.hint)
  const isOpen = verdict.kind === 'refuse' && verdict.reason === 'tool_hint_unknown'
  return {
    verdict: outcomeOf(verdict),
    lines: [
      `tool      ${printable(asked.name)}, ${hintWords[asked.hint]}`,
      `caller    ${callerWords(caller)}`,
      '',
      ...tryRules(allow, caller, asked.name, asked.hint).flatMap(ruleLines),
      ...(allow.length === 0 ? ['There are no tool rules: every tool may be called.'] : []),
      '',
      ...(isOpen
        ? [
            'If the MCP server marks it as read-only, it is allowed; else it is refused.',
            'Say which with --read-only or --writes.',
          ]
        : [conclusion(resource, asked, caller, verdict)]),
      ...(resource.rules === 'shadow' ? ['The rules are in shadow mode: the call passes.'] : []),
    ],
  }
}

function outcomeOf(verdict: ToolVerdict): ToolExplanation['verdict'] {
  if (verdict.kind === 'allow') return 'allowed'
  return verdict.reason === 'tool_hint_unknown' ? 'undecided' : 'refused'
}

const hintWords: Readonly<Record<ToolHint, string>> = {
  read_only: 'which the MCP server marks as read-only',
  writes: 'which the MCP server does not mark as read-only',
  unknown: 'whose hint is not known here',
}

function callerWords({ groups, groupsLeftOut, clients }: ToolCaller): string {
  const left = groupsLeftOut ? 'groups that the token leaves out for their number' : undefined
  const inGroups = groups.length === 0 ? 'no groups' : `groups: ${groups.length}`
  const through = clients.length === 0 ? 'no client' : clients.map((id) => printable(id)).join(', ')
  return `${left ?? inGroups}; client ${through}`
}

const lackWords: Readonly<Record<Lacking, string>> = {
  tool: 'the tool is not among its tools',
  hint: 'the tool is not known to be read-only',
  group: 'the user is in none of its groups',
  client: 'the client is none of its clients',
}

function ruleLines({ rule, lacks }: TriedRule, index: number): string[] {
  const met = lacks.length === 0
  return [
    `${(met ? 'met' : 'not met').padEnd(13)}rule ${index + 1}: ${ruleWords(rule)}`,
    ...lacks.map((lack) => `${' '.repeat(13)}${lackWords[lack]}`),
  ]
}

function conclusion(
  resource: ResourceConfig,
  { name }: AskedTool,
  caller: ToolCaller,
  verdict: ToolVerdict,
): string {
  if (verdict.kind === 'allow') return 'Allowed.'
  return `Refused: ${refusalWords({ resource: resource.name, tool: name, verdict, caller })}`
}
