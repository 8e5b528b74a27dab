import { loggedName } from '../forward/note-calls.ts'
import type { RequestRecord, ToolCall } from '../observe/record.ts'
import type { RequestLog } from '../observe/request-log.ts'
import type { FleetRequest } from './fleet-request.ts'

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
 * Writes the audit line of a call, before it is made: one for each cluster that it reaches.
 *
 * @returns false when the line must be there first (`audit.before_dispatch`) and cannot be written
 */
export async function auditCall(
  { record }: FleetRequest,
  log: RequestLog,
  name: string,
  { shadow, ...verdict }: AuditVerdict,
): Promise<boolean> {
  const { reason: _, cluster: __, ...rest } = record
  const tool = loggedName(name)
  const known: readonly ToolCall[] = record.calls.filter((call) => call.tool === tool).slice(0, 1)
  const calls = (known.length > 0 ? known : [{ tool }]).map((call) => ({
    ...call,
    ...(shadow && { shadow }),
  }))
  const written = log.audit({ ...rest, acts_as: 'caller', ...verdict, calls })
  return written === undefined
    ? true
    : written.then(
        () => true,
        () => false,
      )
}
