import type { Identity } from '../oauth/identity.ts'
import type { Logger } from './logger.ts'

export type Decision = 'allow' | 'refuse' | 'unavailable'

/** What one request turned out to be, filled in on its way and written once, at its end. */
export interface RequestRecord {
  readonly request_id: string
  readonly client_ip: string
  readonly http_method: string
  path: string
  /** Milliseconds, from a monotonic clock. */
  readonly began: number
  /** Whose token it was; only ever from one whose signature held. */
  identity?: Identity
  resource?: string
  /** The methods of the body that is forwarded; several in a batch. */
  methods: readonly string[]
  /** The tools that the body calls; several in a batch. */
  tools: readonly string[]
  decision: Decision
  reason?: string
  upstream_status?: number
  acts_as?: 'caller' | 'upstream'
  /** One of many like it: its line is for debugging. */
  quiet?: boolean
}

/** A record at the arrival of its request. Refused, until something says otherwise. */
export function openRecord(at: {
  requestId: string
  clientIp: string
  method: string
  path: string
}): RequestRecord {
  return {
    request_id: at.requestId,
    client_ip: at.clientIp,
    http_method: at.method,
    path: at.path,
    began: performance.now(),
    methods: [],
    tools: [],
    decision: 'refuse',
  }
}

const MOST_NAMES_LISTED = 20

/** The names of a batch in one text; a batch may have thousands. */
function listed(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  const shown = names.slice(0, MOST_NAMES_LISTED).join(',')
  return names.length <= MOST_NAMES_LISTED ? shown : `${shown},… ${names.length} in all`
}

/**
 * Writes the `request` line, and one `audit` line for each tool call that the body makes.
 *
 * @param status the status that the client was sent; 499 when it had left before that
 */
export function writeRecord(log: Logger, record: RequestRecord, status: number): void {
  const line = {
    request_id: record.request_id,
    client_ip: record.client_ip,
    ...record.identity,
    resource: record.resource,
    mcp_method: listed(record.methods),
    decision: record.decision,
    reason: record.reason,
    status,
    upstream_status: record.upstream_status,
    duration_ms: Math.round((performance.now() - record.began) * 10) / 10,
    acts_as: record.acts_as,
  }
  log[record.quiet === true ? 'debug' : 'info']({
    kind: 'request',
    http_method: record.http_method,
    path: record.path,
    ...line,
    tool: listed(record.tools),
  })
  for (const tool of record.tools) {
    log.info({ kind: 'audit', ...line, mcp_method: 'tools/call', tool })
  }
}
