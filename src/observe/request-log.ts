import type { AuditOutput } from './audit-file.ts'
import type { ProcessLog } from './process-log.ts'
import type { RequestRecord, ToolCall } from './record.ts'

/** `[audit]` as far as lines need it. */
export interface AuditSettings {
  readonly before_dispatch: boolean
  readonly arguments: readonly string[]
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

  constructor(lines: ProcessLog, audit: AuditSettings, output: AuditOutput) {
    this.#lines = lines
    this.#audit = audit
    this.#output = output
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
    for (const call of record.calls) {
      const line = auditLine(record, call)
      this.#lines.audit.info(line)
      file?.logger.info(line)
    }
    if (!this.#audit.before_dispatch) return undefined
    return within(
      WRITTEN_WITHIN_MS,
      Promise.all([this.#lines.written(), file?.written()]).then(() => undefined),
    )
  }

  /**
   * Writes the `request` line.
   *
   * @param status the status that the client was sent; 499 when it had left before that
   */
  end(record: RequestRecord, status: number): void {
    const { resource, decision, reason, acts_as, http_method, path, outcome } = record
    this.#lines.requests[record.quiet === true ? 'debug' : 'info']({
      kind: 'request',
      ...caller(record),
      resource,
      http_method,
      path,
      mcp_method: listed(record.methods),
      tool: listed(record.calls.map(({ tool }) => tool)),
      decision,
      reason,
      acts_as,
      status,
      upstream_status: record.upstream_status,
      outcome,
      duration_ms: Math.round((performance.now() - record.began) * 10) / 10,
    })
  }
}

function auditLine(record: RequestRecord, call: ToolCall): object {
  const { resource, decision, reason, acts_as } = record
  return {
    kind: 'audit',
    ...caller(record),
    resource,
    mcp_method: 'tools/call',
    tool: call.tool,
    decision,
    reason,
    acts_as,
    arguments: call.arguments,
  }
}

function caller({ request_id, trace_id, client_ip, identity, client }: RequestRecord): object {
  return { request_id, trace_id, client_ip, ...identity, ...client }
}

function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('nobody reads the log')), milliseconds)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
