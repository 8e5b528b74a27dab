import type { Identity } from '../oauth/identity.ts'
import type { Outcome } from './log-lines.ts'

export type Decision = 'allow' | 'refuse' | 'unavailable'

/** One tool call of a request's body. */
export interface ToolCall {
  readonly tool: string
  /** Masked; only for the tools that `audit.arguments` names. */
  readonly arguments?: unknown
  /** What tool rules in shadow mode would have decided. */
  readonly shadow?: { readonly decision: 'allow' | 'refuse'; readonly reason?: string }
}

/** The span of one call to one cluster of a fleet. */
export interface ClusterSpan {
  /** That hand the trace on, in place of the client's. */
  readonly headers: Readonly<Record<string, string>>
  /** The MCP server has answered; the last answer counts. */
  answered(status: number): void
  /** @param outcome of few values */
  end(outcome: string): void
}

/** The spans of one request, where traces are asked for. Of them none names a user. */
export interface RequestTrace {
  readonly traceId: string
  /**
   * Begins the span of the upstream's part.
   *
   * @returns the headers that hand the trace on, in place of the client's
   */
  forward(): Readonly<Record<string, string>>
  /**
   * Begins the span of a call to a cluster, of which one request makes several, at once too.
   *
   * @param method of MCP
   */
  callCluster(cluster: string, method: string): ClusterSpan
  /** A step of a sign-in came to its end. */
  step(
    name: string,
    record: RequestRecord,
    attributes: Readonly<Record<string, string | number | undefined>>,
  ): void
  /** Ends all of them. */
  end(record: RequestRecord, status: number): void
}

/** What one request turned out to be, filled in on its way and written once, at its end. */
export interface RequestRecord {
  readonly request_id: string
  readonly trace_id: string | undefined
  /** Absent where no traces are asked for. */
  readonly trace: RequestTrace | undefined
  readonly client_ip: string
  readonly http_method: string
  path: string
  /** Milliseconds, from a monotonic clock. */
  readonly began: number
  /** When its token had been judged, and when it went up; 0: it was not. From the same clock. */
  judged_at: number
  sent_at: number
  /** When the upstream's answer to a call had ended; 0: it has not. */
  answered_at: number
  /** Milliseconds for which its body was waited for once it was judged. */
  waited_ms: number
  /** Whose token it was; only ever from one whose signature held. */
  identity?: Identity
  /** The MCP client, where the token says which it was handed to. */
  client?: { readonly client_id: string; readonly client_name?: string }
  resource?: string
  /** The cluster that a call to the fleet names. */
  cluster?: string
  /** The methods of the body that is forwarded; several in a batch. */
  methods: readonly string[]
  calls: readonly ToolCall[]
  decision: Decision
  reason?: string
  upstream_status?: number
  outcome: Outcome
  acts_as?: 'caller' | 'upstream'
  /** Members that its lines have in common, once one was written. */
  callerText?: string
  /** One of many like it: its line is for debugging. */
  quiet?: boolean
}

/** A record at the arrival of its request. Refused, until something says otherwise. */
export function openRecord(at: {
  readonly requestId: string
  readonly traceparent: string | string[] | undefined
  readonly trace?: RequestTrace | undefined
  readonly clientIp: string
  readonly method: string
  readonly path: string
}): RequestRecord {
  return {
    request_id: at.requestId,
    trace_id: at.trace === undefined ? traceIdOf(at.traceparent) : at.trace.traceId,
    trace: at.trace,
    client_ip: at.clientIp,
    http_method: at.method,
    path: at.path,
    began: performance.now(),
    judged_at: 0,
    sent_at: 0,
    answered_at: 0,
    waited_ms: 0,
    methods: [],
    calls: [],
    decision: 'refuse',
    outcome: 'none',
  }
}

/** W3C Trace Context §3.2; an id of zeros is none. */
const traceparentForm = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/

function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  return typeof traceparent === 'string' ? traceparentForm.exec(traceparent)?.[1] : undefined
}
