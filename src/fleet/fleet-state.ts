import { KnownMembers } from './calls/known-members.ts'
import { LogLevels } from './notices/log-levels.ts'
import { EndedSessions } from './serving/ended-sessions.ts'
import { LiveExchanges } from './serving/live-exchanges.ts'

/** What of the fleet outlives a reload of the configuration: in this process's memory. */
export class FleetState {
  /** Sessions at the clusters: a reload ends none of them. */
  readonly known = new KnownMembers()
  /** Calls under way, which an answer or a cancellation may still come for. */
  readonly live = new LiveExchanges()
  readonly ended = new EndedSessions()
  readonly levels = new LogLevels()
}
