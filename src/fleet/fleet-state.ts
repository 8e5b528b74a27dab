import type { Clock } from '../clock.ts'
import { ForgottenSessions } from './calls/forgotten-sessions.ts'
import { KnownMembers } from './calls/known-members.ts'
import { ChangeStreams } from './changes/change-streams.ts'
import type { Fleet } from './fleet.ts'
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
  readonly changes: ChangeStreams
  readonly #forgotten: ForgottenSessions
  #built: Fleet | undefined

  constructor(clock: Clock) {
    this.changes = new ChangeStreams(clock)
    this.#forgotten = new ForgottenSessions(clock)
    this.known = new KnownMembers(clock, (known) => this.#forgotten.end(known))
  }

  /** A fleet that comes into force with `reloaded`. */
  built(fleet: Fleet): void {
    this.#built = fleet
  }

  /** The configuration that was read last is in force. */
  reloaded(): void {
    if (this.#built !== undefined) this.changes.reloaded(this.#built)
  }

  /** Ends the sessions at the clusters, as far as that is quickly done: for a stop. */
  stop(): Promise<void> {
    return this.#forgotten.endAll(this.known.takeAll())
  }
}
