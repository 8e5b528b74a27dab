import type { Client, RequestOptions, ServerCapabilities } from '@modelcontextprotocol/client'
import {
  type InputRequiredResult,
  isInputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server'
import { CANNOT_BE_ASKED, MemberQuestions } from './asking/member-questions.ts'
import { type Answers, answersFor, putToClient } from './asking/put-to-client.ts'
import { callMember, type MemberAnswer, MOST_ANSWER_BYTES } from './calls/call-member.ts'
import type { AnswerableRequest } from './fleet-request.ts'
import { hearLog, levelToTell, metaTo } from './notices/log-messages.ts'
import { reportProgress } from './notices/progress.ts'
import { said } from './tools/fan-out-answer.ts'
import type { UserClusters } from './view.ts'

/** One member, ready to be asked. */
export interface AskedMember {
  readonly client: Client
  readonly options: RequestOptions
  /** `undefined`: not known. */
  readonly capabilities: ServerCapabilities | undefined
  /** What of the client's parameters goes up as it is: its `_meta`, and answers to earlier questions. */
  readonly carried: Answers & { readonly _meta?: Readonly<Record<string, unknown>> }
}

/**
 * Asks one cluster as the user, judged by that member's own configuration. What the cluster asks before
 * it answers is put to the client.
 *
 * Not judged: tool rules, which are of tools, as at the member's own path.
 *
 * @param cluster one of the user's
 * @throws ProtocolError for all that is no answer, in words for people
 */
export async function askCluster<T extends object>(
  asked: AnswerableRequest,
  { standings }: UserClusters,
  cluster: string,
  ask: (member: AskedMember) => T | Promise<T>,
): Promise<T | InputRequiredResult> {
  const { fleet, request, context } = asked
  const { record } = request
  record.cluster = cluster
  record.acts_as = 'caller'
  const at = standings.find(({ member }) => member.resource.name === cluster)
  if (at?.kind !== 'permitted') throw failure(cluster, said({ outcome: 'sign_in_needed' }))
  fleet.state.changes.use(request, cluster)
  const { progressToken, ...meta } = context.mcpReq._meta ?? {}
  const answers = await answersFor(asked, cluster)
  const level = levelToTell(asked)
  const questions = new MemberQuestions(asked, cluster, 'single')
  const timeoutMs = at.member.resource.response_timeout
  const answer = await callMember(
    {
      ...fleet.callTo(at, request),
      asked: context.mcpReq.method,
      signal: AbortSignal.any([request.signal, context.mcpReq.signal, questions.signal]),
      ...(level !== undefined && { logLevel: level }),
      hear(client) {
        questions.hear(client)
        hearLog(asked, cluster, client)
      },
      timeoutMs,
      mostBytes: MOST_ANSWER_BYTES,
    },
    (client, options, capabilities): T | InputRequiredResult | Promise<T | InputRequiredResult> =>
      ask({
        client,
        options: {
          ...options,
          allowInputRequired: true,
          ...(progressToken !== undefined && {
            onprogress: (step) => void reportProgress(asked, step),
          }),
        },
        capabilities,
        carried: { ...answers, ...metaTo(client, meta, level) },
      }),
  )
  if (questions.signal.aborted) throw failure(cluster, CANNOT_BE_ASKED)
  if (answer.kind !== 'answer') throw errorOf(cluster, answer, timeoutMs)
  if (!isInputRequiredResult(answer.value)) return answer.value
  const put = await putToClient(asked, at, answer.value)
  if (put.kind === 'asks') return put.question
  throw new ProtocolError(ProtocolErrorCode.InternalError, put.why)
}

function errorOf(
  cluster: string,
  answer: Exclude<MemberAnswer<unknown>, { kind: 'answer' }>,
  timeoutMs: number,
): ProtocolError {
  if (answer.kind === 'rpc_error') return failure(cluster, answer.message, codeAt(answer.code))
  const outcome =
    answer.outcome === 'timeout'
      ? ({ outcome: 'timeout', after_ms: timeoutMs } as const)
      : { outcome: answer.outcome }
  return failure(cluster, said(outcome))
}

function failure(cluster: string, words: string, code = ProtocolErrorCode.InternalError) {
  return new ProtocolError(code, `${cluster}: ${words}`)
}

/**
 * What a member says of its own connection (JSON-RPC's and MCP's own codes) would be taken as said of
 * the client's. That it has no such method is, at the fleet, that there is no such thing there.
 */
function codeAt(code: number): number {
  const { InternalError, InvalidParams, MethodNotFound, ResourceNotFound } = ProtocolErrorCode
  if (code === MethodNotFound) return InvalidParams
  const isProtocols = code >= -32_768 && code < -32_019
  return !isProtocols || code === InvalidParams || code === ResourceNotFound ? code : InternalError
}
