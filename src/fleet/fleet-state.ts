import type { Clock } from '../clock.ts'
import { ForgottenSessions } from './calls/forgotten-sessions.ts'
import { KnownMembers } from './calls/known-members.ts'
import { LogLevels } from './notices/log-levels.ts'
import { EndedSessions } from './serving/ended-sessions.ts'
import { LiveExchanges } from './serving/live-exchanges.ts'

/** What of the fleet outlives a reload of the configuration: in this process's memory. */
export class FleetState {
  /** Sessions at the clusters: a reload ends none of them. */
  readonly known: KnownMembers
  /** Calls under way, which an answer or a cancellation may still come for. */
  readonly live = new LiveExchanges()
  readonly ended = new EndedSessions()
  readonly levels = new LogLevels()
  readonly #forgotten: ForgottenSessions

  constructor(clock: Clock) {
    this.#forgotten = new ForgottenSessions(clock)
    this.known = new KnownMembers(clock, (known) => this.#forgotten.end(known))
  }

  /** Ends the sessions at the clusters, as far as that is quickly done: for a stop. */
  stop(): Promise<void> {
    return this.#forgotten.endAll(this.known.takeAll())
  }
}
