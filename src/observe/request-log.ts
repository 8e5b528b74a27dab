import type { AuditOutput } from './audit-file.ts'
import { identityMembers, lineOf, lineStart, member, membersOf } from './line-text.ts'
import { type LineSink, lineSink } from './logger.ts'
import type { ProcessLog } from './process-log.ts'
import type { RequestRecord, ToolCall } from './record.ts'

/** `[audit]` as far as lines need it. */
export interface AuditSettings {
  readonly before_dispatch: boolean
  readonly arguments: readonly string[]
}

/** A question of rolecall's own, and what came of it. */
export interface OwnQuestion {
  readonly mcp_method: 'tools/list' | 'resources/list' | 'resources/templates/list' | 'prompts/list'
  readonly outcome: 'ok' | 'none'
  /** Why not. */
  readonly reason?: string
  readonly duration_ms: number
}

const MOST_NAMES_LISTED = 20

/** The names of a batch in one text, which does not grow with the batch. */
function listed(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  const shown = names.slice(0, MOST_NAMES_LISTED).join(',')
  return names.length <= MOST_NAMES_LISTED ? shown : `${shown},… ${names.length} in all`
}

/** How long a call waits for its line. Beyond, nobody reads, and the call is not made. */
const WRITTEN_WITHIN_MS = 5_000

/** Writes what becomes of requests: `audit` lines before the effect, `request` lines at the end. */
export class RequestLog {
  readonly #lines: ProcessLog
  readonly #audit: AuditSettings
  readonly #output: AuditOutput
  readonly #auditLines: LineSink
  readonly #requestLines: LineSink

  constructor(lines: ProcessLog, audit: AuditSettings, output: AuditOutput) {
    this.#lines = lines
    this.#audit = audit
    this.#output = output
    this.#auditLines = lineSink(lines.audit)
    this.#requestLines = lineSink(lines.requests)
  }

  /** Whether the arguments of this tool are to be logged (`audit.arguments`). */
  wantsArguments(tool: string): boolean {
    return this.#audit.arguments.includes(tool)
  }

  /**
   * Writes one `audit` line for each tool call of a body, with the record's decision as it is now. To
   * be called before the calls are made, so that no effect is without its line, whatever becomes of
   * the process.
   *
   * @returns with `audit.before_dispatch` and calls: resolves once the lines are written, rejects when
   *   they cannot be; else `undefined`
   */
  audit(record: RequestRecord): Promise<void> | undefined {
    if (record.calls.length === 0) return undefined
    const { file } = this.#output
    const isTaken = this.#auditLines.takes('info')
    for (const call of record.calls) {
      const line = auditLine(record, call)
      if (isTaken) this.#auditLines.write(line)
      file?.lines.write(line)
    }
    if (!this.#audit.before_dispatch) return undefined
    return within(
      WRITTEN_WITHIN_MS,
      Promise.all([this.#lines.written(), file?.written()]).then(() => undefined),
    )
  }

  /** Writes the `question` line: what rolecall itself asked an upstream, with a user's token. */
  question(record: RequestRecord, asked: OwnQuestion): void {
    if (!this.#auditLines.takes('info')) return
    const line = lineOf([
      lineStart('info', 'question'),
      caller(record),
      member('resource', record.resource),
      member('cluster', record.cluster),
      member('acts_as', record.acts_as),
      membersOf(asked),
    ])
    this.#auditLines.write(line)
  }

  /**
   * Writes the `request` line.
   *
   * @param status the status that the client was sent; 499 when it had left before that
   */
  end(record: RequestRecord, status: number): void {
    const level = record.quiet === true ? 'debug' : 'info'
    if (this.#requestLines.takes(level))
      this.#requestLines.write(requestLine(record, level, status))
  }
}

function requestLine(record: RequestRecord, level: 'debug' | 'info', status: number): string {
  const milliseconds = Math.round((performance.now() - record.began) * 10) / 10
  return lineOf([
    lineStart(level, 'request'),
    caller(record),
    member('resource', record.resource),
    member('cluster', record.cluster),
    member('http_method', record.http_method),
    member('path', record.path),
    member('mcp_method', listed(record.methods)),
    member('tool', listed(toolsOf(record.calls))),
    verdict(record),
    member('status', status),
    member('upstream_status', record.upstream_status),
    member('outcome', record.outcome),
    member('duration_ms', milliseconds),
  ])
}

function auditLine(record: RequestRecord, call: ToolCall): string {
  const { arguments: given, shadow } = call
  return lineOf([
    lineStart('info', 'audit'),
    caller(record),
    member('resource', record.resource),
    member('cluster', record.cluster),
    member('mcp_method', 'tools/call'),
    member('tool', call.tool),
    verdict(record),
    given === undefined ? '' : `,"arguments":${JSON.stringify(given)}`,
    member('shadow_decision', shadow?.decision),
    member('shadow_reason', shadow?.reason),
  ])
}

/** What both lines of a request say, made once. */
function caller(record: RequestRecord): string {
  record.callerText ??= [
    member('request_id', record.request_id),
    member('trace_id', record.trace_id),
    member('client_ip', record.client_ip),
    identityMembers(record.identity),
    record.client === undefined ? '' : membersOf(record.client),
  ].join('')
  return record.callerText
}

function verdict({ decision, reason, acts_as }: RequestRecord): string {
  return member('decision', decision) + member('reason', reason) + member('acts_as', acts_as)
}

function toolsOf(calls: readonly ToolCall[]): readonly string[] {
  return calls.map(({ tool }) => tool)
}

function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('nobody reads the log')), milliseconds)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
