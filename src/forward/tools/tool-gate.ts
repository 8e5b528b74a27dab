import type { IncomingHttpHeaders } from 'node:http'
import type { Permit } from '../../access/authorize.ts'
import { quoted } from '../../access/policy-words.ts'
import type { Clock } from '../../clock.ts'
import type { ResourceConfig } from '../../config/config.ts'
import type { RequestRecord } from '../../observe/record.ts'
import type { RequestLog } from '../../observe/request-log.ts'
import {
  judgeTool,
  type ToolCaller,
  type ToolVerdict,
  visibleTools,
} from '../../tool-rules/judge-tool.ts'
import { refusalWords } from '../../tool-rules/refusal-words.ts'
import { toolCaller } from '../../tool-rules/tool-caller.ts'
import type { ToolHints } from '../../tool-rules/tool-hints.ts'
import { isEventStream, mediaType } from '../answer/response-headers.ts'
import { jsonRpcFailure } from '../body/json-rpc-refusal.ts'
import type { McpBody, McpMessage } from '../body/mcp-message.ts'
import { isOtherToolMethod, TOOL_LIST } from '../body/member-names.ts'
import { askForList } from './ask-for-list.ts'
import { type AnswerFilter, eventListFilter, jsonListFilter } from './list-filter.ts'
import { ListQuestions, type QuestionOutcome } from './list-questions.ts'
import type { PageJudge } from './tool-lists.ts'

/** A request that access let through, as tool rules see it. */
export interface GatedRequest {
  readonly method: string
  readonly body: McpBody
  readonly permit: Permit
  readonly record: RequestRecord
}

/** What tool rules refuse of a body: nothing of it goes up. */
export interface ToolRefusal {
  /** Of the first message that is refused. */
  readonly reason: string
  words(message: McpMessage): string
}

export interface ToolGateParts {
  readonly resource: ResourceConfig
  readonly hints: ToolHints
  readonly comparable: (id: string) => string
  readonly clock: Clock
  readonly version: string
  readonly requestLog: RequestLog
}

const UNREADABLE =
  'The list of tools of the MCP server could not be read, so none of it is shown; tell its operator.'

/** The tool rules of one resource at work: for calls before they go up, for lists as they come back. */
export class ToolGate {
  readonly #parts: ToolGateParts
  readonly #questions: ListQuestions

  constructor(parts: ToolGateParts) {
    this.#parts = parts
    this.#questions = new ListQuestions(parts.hints, parts.clock)
  }

  /**
   * Judges every call of a body; at once where no hint has to be asked for. In shadow mode the verdicts
   * go into the record, and nothing is refused.
   *
   * @returns `undefined`: it may go up
   */
  judge(request: GatedRequest): ToolRefusal | undefined | Promise<ToolRefusal | undefined> {
    const { body } = request
    if (body.kind !== 'messages') return undefined
    const messages = body.messages.filter(isJudged)
    if (messages.length === 0) return undefined
    const caller = this.#callerOf(request.permit)
    const { userKey } = request.permit.principal
    const judged = this.#verdicts(messages, caller, userKey)
    // With a token that ended meanwhile nothing is asked either; dispatching refuses it.
    if (request.permit.principal.expiresAt <= this.#parts.clock.now()) return undefined
    if (!judged.some(hangsOnHint)) return this.#conclude(request, judged, { caller })
    return this.#learn(request).then((outcome) =>
      this.#conclude(request, this.#verdicts(messages, caller, userKey), {
        caller,
        listMissing: outcome === 'failed',
      }),
    )
  }

  /**
   * What reads the answer to a request, where a list of tools can be in it: the answer to `tools/list`,
   * and a GET stream, which may bring one that was cut off before (`Last-Event-ID`).
   */
  listener({ method, body, permit }: GatedRequest): ListListener | undefined {
    const asks = body.kind === 'messages' && body.messages.some((one) => one.method === TOOL_LIST)
    const enforced = this.#parts.resource.rules === 'enforce'
    if (!asks && !(method === 'GET' && enforced)) return undefined
    const judge = this.#pageJudge(permit, asks)
    return new ListListener(judge, { failure: jsonRpcFailure(body, UNREADABLE), enforced })
  }

  #callerOf({ principal }: Permit): ToolCaller {
    return toolCaller(principal, this.#parts.comparable)
  }

  #verdicts(
    messages: readonly McpMessage[],
    caller: ToolCaller,
    user: string,
  ): readonly JudgedMessage[] {
    const { resource, hints, clock } = this.#parts
    const now = clock.now()
    return messages.map((message) => {
      if (message.tool === undefined) return { message }
      // `target` is the name as it stands in the body; a call without one has no target.
      const { target: tool } = message
      const hint = tool === undefined ? 'unknown' : hints.hintOf(user, tool, now)
      return { message, verdict: judgeTool(resource.allow, caller, tool, hint) }
    })
  }

  async #learn({ permit, record }: GatedRequest): Promise<QuestionOutcome> {
    const { resource, version, clock, requestLog } = this.#parts
    return this.#questions.learn(permit.principal.userKey, async () => {
      const began = performance.now()
      const requestId = record.request_id
      const answer = await askForList({ resource, permit, requestId, version, clock })
      requestLog.question(record, {
        mcp_method: 'tools/list',
        outcome: answer.kind === 'list' ? 'ok' : 'none',
        ...(answer.kind === 'none' && { reason: answer.reason }),
        duration_ms: Math.round(performance.now() - began),
      })
      return answer
    })
  }

  #conclude(
    { record }: GatedRequest,
    judged: readonly JudgedMessage[],
    about: { readonly caller: ToolCaller; readonly listMissing?: boolean },
  ): ToolRefusal | undefined {
    const { resource } = this.#parts
    if (resource.rules === 'shadow') {
      const calls = judged.filter(({ message }) => message.tool !== undefined)
      record.calls = record.calls.map((call, index) => ({ ...call, ...shadowOf(calls[index]) }))
      return undefined
    }
    const refused = judged.find(({ verdict }) => verdict?.kind !== 'allow')
    if (refused === undefined) return undefined
    return {
      reason: refused.verdict?.kind === 'refuse' ? refused.verdict.reason : 'tool_method_unknown',
      words: (message) => {
        const one = judged.find((it) => it.message === message)
        const { name } = resource
        if (one === undefined || one.verdict?.kind === 'allow') return ofOthers(name)
        if (one.verdict === undefined) return ofMethod(name)
        const { verdict } = one
        return refusalWords({ resource: name, tool: message.target, verdict, ...about })
      },
    }
  }

  /**
   * On a stream that nobody asked a list on, any result may be shaped like one, such as a tool's that is
   * resumed: it teaches of no tool that it reads (hint poisoning).
   */
  #pageJudge(permit: Permit, isAsked: boolean): PageJudge {
    const caller = this.#callerOf(permit)
    const { userKey } = permit.principal
    const { hints, clock, resource } = this.#parts
    return (tools, version) => {
      const now = clock.now()
      if (isAsked) hints.sawVersion(version, now)
      hints.learn(userKey, isAsked ? tools : tools.filter(({ readOnly }) => !readOnly), now)
      // By what all lists say, as for a call: else it would be shown here and refused there.
      const known = tools.map(({ name, readOnly }) => {
        const hint = hints.hintOf(userKey, name, now)
        return { name, hint: hint === 'unknown' && readOnly ? ('read_only' as const) : hint }
      })
      const visible = new Set(visibleTools(known, resource.allow, caller))
      return known.map((tool) => visible.has(tool))
    }
  }
}

interface JudgedMessage {
  readonly message: McpMessage
  /** Absent: not a call, and a method that no rule can be about. */
  readonly verdict?: ToolVerdict
}

function isJudged({ tool, method }: McpMessage): boolean {
  return tool !== undefined || (method !== undefined && isOtherToolMethod(method))
}

function hangsOnHint({ verdict }: JudgedMessage): boolean {
  return verdict?.kind === 'refuse' && verdict.reason === 'tool_hint_unknown'
}

function shadowOf(judged: JudgedMessage | undefined) {
  const verdict = judged?.verdict
  if (verdict === undefined) return {}
  const reason = verdict.kind === 'refuse' ? { reason: verdict.reason } : {}
  return { shadow: { decision: verdict.kind, ...reason } }
}

function ofOthers(resource: string): string {
  return `Nothing of this batch was sent, since the rules of resource ${quoted(resource)} refuse one of its calls; send the others again without it.`
}

function ofMethod(resource: string): string {
  return `The rules of resource ${quoted(resource)} know the methods tools/list and tools/call and no other method of tools; use these.`
}

interface ListenerOptions {
  /** JSON-RPC for the client in place of a list that cannot be read. */
  readonly failure: string | undefined
  /** Otherwise lists are read, and pass as they came. */
  readonly enforced: boolean
}

/** Reads one answer in which a list of tools can be. */
export class ListListener {
  readonly #judge: PageJudge
  readonly #options: ListenerOptions

  constructor(judge: PageJudge, options: ListenerOptions) {
    this.#judge = judge
    this.#options = options
  }

  /** Whether an answer may not pass since nobody can read what is in it (fail closed). */
  isUnreadable(status: number, headers: IncomingHttpHeaders): boolean {
    if (!this.#options.enforced || status < 200 || status > 299 || status === 202) return false
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') return true
    return !isJson(headers) && !isEventStream(headers) && headers['content-length'] !== '0'
  }

  filter(status: number, headers: IncomingHttpHeaders): AnswerFilter | undefined {
    if (status < 200 || status > 299) return undefined
    const filter = this.#filterFor(headers)
    return filter && !this.#options.enforced ? onlyReading(filter) : filter
  }

  #filterFor(headers: IncomingHttpHeaders): AnswerFilter | undefined {
    const { failure } = this.#options
    if (isEventStream(headers)) return eventListFilter(this.#judge, failure)
    return isJson(headers) ? jsonListFilter(this.#judge, failure ?? 'null') : undefined
  }
}

function isJson(headers: IncomingHttpHeaders): boolean {
  return mediaType(headers) === 'application/json'
}

/** The bytes as they came; the filter learns from them. */
function onlyReading(filter: AnswerFilter): AnswerFilter {
  return {
    push(piece) {
      filter.push(piece)
      return piece
    },
    end() {
      filter.end()
      return Buffer.alloc(0)
    },
  }
}
