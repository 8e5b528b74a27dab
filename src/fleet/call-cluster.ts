import type { Client } from '@modelcontextprotocol/client'
import {
  type CallToolResult,
  type InputRequiredResult,
  isInputRequiredResult,
  type Tool,
} from '@modelcontextprotocol/server'
import type { ToolCall } from '../observe/record.ts'
import { CANNOT_BE_ASKED, MemberQuestions } from './asking/member-questions.ts'
import { type Answers, putToClient } from './asking/put-to-client.ts'
import { callMember, type MemberAnswer, MOST_ANSWER_BYTES } from './calls/call-member.ts'
import type { PermittedMember } from './calls/member.ts'
import type { AuditVerdict } from './fleet-audit.ts'
import type { ToolCallRequest } from './fleet-request.ts'
import { allowedTools, judgeCall } from './member-rules.ts'
import { hearLog, levelToTell, metaTo } from './notices/log-messages.ts'
import { reportProgress } from './notices/progress.ts'
import { toolResultAt } from './resources/cluster-content.ts'
import { type ClusterOutcome, outcomeOf, toolError } from './tools/fan-out-answer.ts'
import { inQuotes, toolNames } from './tools/words.ts'
import type { UserTools } from './view.ts'

/** A call's arguments without the cluster. */
export type Arguments = Readonly<Record<string, unknown>>

/** A call at one cluster, by itself or as one of several. */
export type ClusterCall = {
  readonly cluster: string
  readonly given: Arguments
} & (
  | {
      readonly mode: 'single'
      /** To what the cluster asked before. */
      readonly answers?: Answers
    }
  | { readonly mode: 'fan-out'; readonly timeoutMs: number; readonly mostBytes: number }
)

/** A cluster alone may also ask something before it answers (MCP 2026-07-28). */
export type SingleOutcome =
  | ClusterOutcome
  | { readonly outcome: 'asks'; readonly question: InputRequiredResult }

/** Makes a call at one cluster, its audit line first. Never rejects for what happens there. */
export function callCluster(
  call: ToolCallRequest,
  view: UserTools,
  cluster: Extract<ClusterCall, { mode: 'fan-out' }>,
): Promise<ClusterOutcome>
export function callCluster(
  call: ToolCallRequest,
  view: UserTools,
  cluster: ClusterCall,
): Promise<SingleOutcome>
export async function callCluster(
  call: ToolCallRequest,
  view: UserTools,
  cluster: ClusterCall,
): Promise<SingleOutcome> {
  const outcome = await callJudged(call, view, cluster)
  const { outcome: counted } = 'result' in outcome ? outcomeOf(outcome.result) : outcome
  call.fleet.metrics.fleetCalls.inc({ cluster: cluster.cluster, outcome: counted })
  return outcome
}

async function callJudged(
  call: ToolCallRequest,
  view: UserTools,
  cluster: ClusterCall,
): Promise<SingleOutcome> {
  const judged = judge(call, view, cluster)
  const tell = (verdict: AuditVerdict) => call.audit({ ...verdict, cluster: cluster.cluster })
  if (judged.kind === 'not_made') {
    const decision = judged.reason === TOOLS_NOT_KNOWN ? 'unavailable' : 'refuse'
    await tell({ decision, reason: judged.reason })
    return judged.outcome
  }
  const { shadow } = judged
  if (!(await tell({ decision: 'allow', ...(shadow && { shadow }) }))) {
    noteUnavailable(call)
    return { outcome: 'unreachable', why: UNAUDITED }
  }
  const timeoutMs =
    cluster.mode === 'single' ? judged.at.member.resource.response_timeout : cluster.timeoutMs
  call.fleet.state.changes.use(call.request, cluster.cluster)
  const questions = new MemberQuestions(call, cluster.cluster, cluster.mode)
  const answer = await ask(call, cluster, { ...judged, timeoutMs, questions })
  if (questions.signal.aborted) return cannotAsk(cluster)
  if (answer.kind !== 'answer') return failureAt(answer, timeoutMs, cluster)
  const { value } = answer
  if (!isInputRequiredResult(value)) {
    return resultAt(toolResultAt(cluster.cluster, value), cluster.mode)
  }
  if (cluster.mode === 'fan-out') return cannotAsk(cluster)
  const put = await putToClient({ ...call, subject: call.params.name }, judged.at, value)
  return put.kind === 'asks'
    ? { outcome: 'asks', question: put.question }
    : { outcome: 'tool_error', result: toolError(put.why) }
}

function cannotAsk({ cluster, mode }: ClusterCall): ClusterOutcome {
  const text =
    mode === 'fan-out'
      ? `${cluster} asks for input before it goes on: call it alone.`
      : `${cluster} ${CANNOT_BE_ASKED}`
  return { outcome: 'tool_error', result: toolError(text) }
}

/** Whoever must not lose an audit line (`audit.before_dispatch`) has no call without. */
export const UNAUDITED =
  'not asked, since the audit line of this call could not be written; try again later'

export function noteUnavailable({ request: { record } }: ToolCallRequest): void {
  record.decision = 'unavailable'
  record.reason = 'audit_unavailable'
}

type Judged =
  | {
      readonly kind: 'made'
      readonly at: PermittedMember
      /** As the cluster lists it; absent: its list is not known. */
      readonly definition: Tool | undefined
      readonly given: Arguments
      /** What rules in shadow mode decide. */
      readonly shadow?: ToolCall['shadow']
    }
  | { readonly kind: 'not_made'; readonly reason: string; readonly outcome: ClusterOutcome }

/** Whether the call may be made there, by what is known of the cluster and its user. */
function judge(
  { fleet, params: { name: tool } }: ToolCallRequest,
  view: UserTools,
  { cluster, given, mode }: ClusterCall,
): Judged {
  const index = view.names.findIndex(({ name }) => name === cluster)
  const standing = view.standings[index]
  if (standing?.kind !== 'permitted') {
    return notMade('not_signed_in_there', { outcome: 'sign_in_needed' })
  }
  const { tools } = view.lists[index] ?? {}
  const definition = tools?.find(({ name }) => name === tool)
  if (tools !== undefined && definition === undefined) {
    const outcome =
      mode === 'single' ? notThere(cluster, tool, allowedTools(standing, tools)) : NO_SUCH_TOOL
    return notMade('no_such_tool', outcome)
  }
  // Whether it only reads there is not known, and what may write goes to one cluster at a time.
  if (mode === 'fan-out' && definition === undefined) {
    return notMade(TOOLS_NOT_KNOWN, { outcome: 'unreachable' })
  }
  const ruled = judgeCall(standing, tool, fleet.clock.now())
  if (ruled.kind === 'refuse') {
    return notMade(ruled.reason, { outcome: 'not_allowed', why: ruled.words })
  }
  if (definition?.execution?.taskSupport === 'required') {
    return notMade('needs_task', needsTask(tool, standing.member.resource.path))
  }
  const { clusters_from: argument, name } = standing.member.resource
  const made = {
    kind: 'made',
    at: standing,
    definition,
    ...(ruled.shadow && { shadow: ruled.shadow }),
  } as const
  if (argument === undefined) return { ...made, given }
  // Never as the client has it: one cluster's rules would let calls through to another.
  if (Object.hasOwn(given, argument)) {
    const why = `leave out "${argument}": the cluster is named once`
    return notMade('cluster_twice', { outcome: 'not_allowed', why })
  }
  return { ...made, given: { ...given, [argument]: name } }
}

/** The one reason that is no refusal: nothing could be decided. */
const TOOLS_NOT_KNOWN = 'tools_not_known'

const NO_SUCH_TOOL = { outcome: 'no_such_tool' } as const

function notMade(reason: string, outcome: ClusterOutcome): Judged {
  return { kind: 'not_made', reason, outcome }
}

/** The MCP SDK has no tasks: what begins one would never be heard of again. */
function needsTask(tool: string, path: string): ClusterOutcome {
  const text = `${inQuotes(tool)} runs as a task alone, and this endpoint has no tasks: it can be called by a client that has them at this cluster's own path, ${path}.`
  return { outcome: 'tool_error', result: toolError(text) }
}

function notThere(cluster: string, tool: string, tools: readonly Tool[]): ClusterOutcome {
  const names = toolNames(tools.map(({ name }) => name).toSorted())
  const text = `${cluster} has no tool ${inQuotes(tool)}. It has: ${names}.`
  return { outcome: 'tool_error', result: toolError(text) }
}

function ask(
  call: ToolCallRequest,
  cluster: ClusterCall,
  {
    at,
    definition,
    given,
    timeoutMs,
    questions,
  }: Extract<Judged, { kind: 'made' }> & {
    readonly timeoutMs: number
    readonly questions: MemberQuestions
  },
): Promise<MemberAnswer<CallToolResult | InputRequiredResult>> {
  const { fleet, request, params, context } = call
  const { progressToken, ...ofClient } = context.mcpReq._meta ?? {}
  const level = levelToTell(call)
  const wantsProgress = cluster.mode === 'single' && progressToken !== undefined
  const mostBytes = cluster.mode === 'single' ? MOST_ANSWER_BYTES : cluster.mostBytes
  return callMember(
    {
      ...fleet.callTo(at, request),
      asked: 'tools/call',
      // A client of 2025-11-25 cancels with a message of its own, and stays connected.
      signal: AbortSignal.any([request.signal, context.mcpReq.signal, questions.signal]),
      ...(level !== undefined && { logLevel: level }),
      hear(client: Client) {
        questions.hear(client)
        hearLog(call, cluster.cluster, client)
        client.setNotificationHandler('notifications/tools/list_changed', () =>
          fleet.toolsChanged(at, request),
        )
      },
      timeoutMs,
      mostBytes,
    },
    (client, options) =>
      client.callTool(
        {
          name: params.name,
          arguments: { ...given },
          ...(cluster.mode === 'single' && cluster.answers),
          ...metaTo(client, ofClient, level),
        },
        {
          ...options,
          allowInputRequired: true,
          ...(definition !== undefined && { toolDefinition: withoutOutputSchema(definition) }),
          ...(wantsProgress && { onprogress: (step) => void reportProgress(call, step) }),
        },
      ),
  )
}

/** The answer is the client's to judge, as it came. */
function withoutOutputSchema({ outputSchema: _, ...definition }: Tool): Tool {
  return definition
}

function failureAt(
  answer: Exclude<MemberAnswer<unknown>, { kind: 'answer' }>,
  timeoutMs: number,
  { mode }: ClusterCall,
): ClusterOutcome {
  if (answer.kind === 'rpc_error') return resultAt(toolError(answer.message), mode)
  return answer.outcome === 'timeout'
    ? { outcome: 'timeout', after_ms: timeoutMs }
    : { outcome: answer.outcome }
}

/** A single answer is the client's to judge. */
function resultAt(result: CallToolResult, mode: ClusterCall['mode']): ClusterOutcome {
  if (mode === 'fan-out') return outcomeOf(result)
  return { outcome: result.isError === true ? 'tool_error' : 'ok', result }
}
