import type { McpBody } from '../forward/body/mcp-message.ts'
import { loggedName } from '../forward/note-calls.ts'
import type { RequestRecord, ToolCall } from '../observe/record.ts'
import type { RequestLog } from '../observe/request-log.ts'

/** What is decided of one call, at one cluster or before any. */
export interface AuditVerdict {
  readonly decision: RequestRecord['decision']
  readonly reason?: string
  /** Absent: no cluster is reached. */
  readonly cluster?: string
  /** What rules in shadow mode decide. */
  readonly shadow?: ToolCall['shadow']
}

/**
 * Writes the audit line of one call, before it is made: one for each cluster that it reaches.
 *
 * @returns false: the call must not be made, since its line must be there first
 *   (`audit.before_dispatch`) and cannot be written, or since its request has ended
 */
export type AuditCall = (verdict: AuditVerdict) => Promise<boolean>

interface KnownCall {
  /** As JSON has it. */
  readonly id: unknown
  readonly logged: ToolCall
  isTaken: boolean
  isTold: boolean
}

/**
 * The audit lines of one request: each tool call of its body has one at least, also a call that the
 * SDK refuses before any handler of ours sees it.
 */
export class FleetAudit {
  readonly #record: RequestRecord
  readonly #log: RequestLog
  readonly #calls: readonly KnownCall[]
  #firstRefusal: AuditVerdict | undefined
  #isAnyMade = false
  #isOver = false

  /**
   * @param record with the calls of this body noted
   * @param body as it was read
   */
  constructor(record: RequestRecord, body: McpBody, log: RequestLog) {
    this.#record = record
    this.#log = log
    const messages = body.kind === 'messages' ? body.messages : []
    const ids = messages.filter(({ tool }) => tool !== undefined).map(({ id }) => id)
    this.#calls = record.calls.map((logged, index) => {
      const id = ids[index]
      return { id: id && JSON.parse(id), logged, isTaken: false, isTold: false }
    })
  }

  /**
   * The lines of the call with this id: two calls of one tool in a batch have arguments of their own.
   *
   * @param id of the JSON-RPC request
   */
  of(id: unknown, tool: string): AuditCall {
    const name = loggedName(tool)
    const known = this.#calls.find(
      (call) => !call.isTaken && call.id === id && call.logged.tool === name,
    )
    if (known) known.isTaken = true
    return (verdict) => this.#tell(known ?? { logged: { tool: name } }, verdict)
  }

  /**
   * What was not told by now is not made. A request of which no call was made says so in its own line
   * too, as at a member's own path.
   *
   * @param why the request is answered, and the SDK has refused it; or its client has left
   */
  end(why: 'invalid_request' | 'client_left'): void {
    if (this.#isOver) return
    const left = this.#calls.filter(({ isTold }) => !isTold)
    const verdict = { decision: 'refuse', reason: why } as const
    for (const call of left) void this.#tell(call, verdict)
    const { decision, reason } = this.#firstRefusal ?? {}
    if (decision !== undefined && !this.#isAnyMade) {
      Object.assign(this.#record, { decision, reason })
    }
    this.#isOver = true
  }

  /** Whether a call was made, or the request has none to make. */
  get isAnswered(): boolean {
    return this.#isAnyMade || this.#calls.length === 0
  }

  async #tell(
    known: Pick<KnownCall, 'logged'> & Partial<KnownCall>,
    { shadow, ...verdict }: AuditVerdict,
  ): Promise<boolean> {
    // A line of it says that it was not made.
    if (this.#isOver) return false
    known.isTold = true
    if (verdict.decision !== 'allow') this.#firstRefusal ??= verdict
    const { reason: _, cluster: __, ...rest } = this.#record
    const calls = [{ ...known.logged, ...(shadow && { shadow }) }]
    const written = this.#log.audit({ ...rest, acts_as: 'caller', ...verdict, calls })
    const isWritten = await Promise.resolve(written).then(
      () => true,
      () => false,
    )
    if (isWritten && verdict.decision === 'allow') this.#isAnyMade = true
    return isWritten
  }
}
