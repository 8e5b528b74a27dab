import { member, text } from '../../oauth/claims.ts'
import type { JsonObject } from '../../oauth/json.ts'
import { printable } from '../../oauth/printable.ts'
import { reasonWords } from './reason-words.ts'
import type { RequestLines } from './request-lines.ts'

/** What became of one request, in words, a line each. Values of the log are cut and cleaned. */
export function requestStory({ lines, unreadable, more }: RequestLines): readonly string[] {
  return [
    ...lines.flatMap(lineInWords),
    ...(more > 0 ? [`and ${more} lines more`] : []),
    ...(unreadable > 0
      ? [`${unreadable} lines that name it could not be read; they may have been cut.`]
      : []),
  ]
}

function lineInWords(line: JsonObject): readonly string[] {
  const time = shown(line, 'time') ?? 'at an unknown time'
  switch (text(line, 'kind')) {
    case 'audit':
      return [`${time}  ${toolCall(line)}`, ...whyNot(line)]
    case 'request':
      return [`${time}  ${end(line)}`, ...whyNot(line)]
    case 'sign_in':
      return [`${time}  ${signIn(line)}`, ...told(line)]
    case 'question': {
      const cluster = shown(line, 'cluster')
      const of = cluster === undefined ? '' : ` of ${cluster}`
      return [
        `${time}  rolecall itself asked the MCP server${of} for ${shown(line, 'mcp_method') ?? 'something'}, with this user's token: ${shown(line, 'outcome') ?? 'unknown'}`,
      ]
    }
    default:
      return [`${time}  ${shown(line, 'kind') ?? 'a line'}`, ...told(line)]
  }
}

function toolCall(line: JsonObject): string {
  const verdicts: Readonly<Record<string, string>> = {
    allow: `was sent to the MCP server${text(line, 'acts_as') === 'upstream' ? ', which acts as itself' : ' with the own token of the user'}`,
    refuse: 'was refused',
    unavailable: 'could not be made',
  }
  const verdict = verdicts[text(line, 'decision') ?? ''] ?? 'is told of'
  const shadow = text(line, 'shadow_decision')
  const rules = shadow === 'refuse' ? ' (the tool rules would refuse it: rules = "shadow")' : ''
  const cluster = shown(line, 'cluster')
  const where = `${shown(line, 'resource') ?? 'a resource'}${cluster === undefined ? '' : `, cluster ${cluster}`}`
  return `${who(line)} called ${shown(line, 'tool') ?? 'a tool'} at ${where}: it ${verdict}${rules}`
}

const outcomes: Readonly<Record<string, string>> = {
  ok: 'the MCP server answered',
  tool_error: 'the tool answered with an error, such as what RBAC forbids',
  rpc_error: 'the MCP server answered with a JSON-RPC error',
  cut: 'the answer broke off',
  none: 'no answer of the MCP server was passed on',
}

function end(line: JsonObject): string {
  const what = `${shown(line, 'http_method') ?? ''} ${shown(line, 'path') ?? ''}`.trim()
  const method = shown(line, 'mcp_method')
  const status = member(line, 'status')
  const upstream = member(line, 'upstream_status')
  const outcome = outcomeOf(line)
  return [
    `${what}${method === undefined ? '' : ` (${method})`} of ${who(line)} ended`,
    `with ${status === 499 ? 'the client leaving before its answer (499)' : `status ${status}`}`,
    ...(upstream === undefined ? [] : [`after ${upstream} of the MCP server`]),
    ...(typeof member(line, 'duration_ms') === 'number'
      ? [`in ${member(line, 'duration_ms')} ms`]
      : []),
    ...(outcome === undefined ? [] : [`: ${outcome}`]),
  ]
    .join(' ')
    .replace(' :', ':')
}

/** Of what was never sent to the MCP server there is none. */
function outcomeOf(line: JsonObject): string | undefined {
  const outcome = text(line, 'outcome') ?? ''
  const isSent =
    outcome !== 'none' ||
    member(line, 'upstream_status') !== undefined ||
    text(line, 'reason')?.startsWith('upstream_') === true
  return isSent && Object.hasOwn(outcomes, outcome) ? outcomes[outcome] : undefined
}

function signIn(line: JsonObject): string {
  const decision = text(line, 'decision')
  const verdict = decision === 'allow' ? 'went well' : `ended: ${decision ?? 'unknown'}`
  const reason = shown(line, 'reason')
  const aadsts = member(line, 'aadsts')
  return [
    `sign-in, step ${shown(line, 'step') ?? 'unknown'}, of ${who(line)} ${verdict}`,
    ...(reason === undefined ? [] : [`(${reason})`]),
    ...(typeof aadsts === 'number' ? [`AADSTS${aadsts}`] : []),
  ].join(' ')
}

function who(line: JsonObject): string {
  const user = shown(line, 'user') ?? 'somebody who is not known'
  const client = shown(line, 'client_name') ?? shown(line, 'client_id') ?? shown(line, 'azp')
  return client === undefined ? user : `${user} (client ${client})`
}

/** The check, the setting and the remedy, where it was not let through. */
function whyNot(line: JsonObject): readonly string[] {
  const reason = shown(line, 'reason')
  if (reason === undefined) return []
  const words = reasonWords(reason)
  const refused = text(line, 'decision') === 'allow' ? 'reason' : 'why not'
  if (!words) return [`  ${refused}   ${reason}`]
  return [
    `  ${refused}   ${reason}, at the check ${words.check}`,
    ...(words.setting === undefined ? [] : [`  setting   ${words.setting}`]),
    `  remedy    ${words.remedy}`,
  ]
}

function told(line: JsonObject): readonly string[] {
  return [
    ...(['msg', 'reason'] as const)
      .flatMap((name) => shown(line, name, 500) ?? [])
      .slice(0, 1)
      .map((words) => `  why       ${words}`),
    ...remedyOf(line),
  ]
}

function remedyOf(line: JsonObject): readonly string[] {
  const remedy = shown(line, 'remedy', 500)
  if (remedy === undefined) return []
  const whose = shown(line, 'whose')
  return [`  remedy    ${whose === undefined ? '' : `(${whose}) `}${remedy}`]
}

function shown(line: JsonObject, name: string, most = 200): string | undefined {
  const value = text(line, name)
  return value === undefined || value === '' ? undefined : printable(value, most)
}
