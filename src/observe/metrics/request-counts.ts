import type { Clock } from '../../clock.ts'
import type { RecentEvents } from '../recent/recent-events.ts'
import type { RequestRecord } from '../record.ts'
import { limitOf } from './limits-reached.ts'
import type { Metrics } from './metrics.ts'

export interface RequestCountsParts {
  readonly metrics: Metrics
  readonly recent: RecentEvents
  readonly clock: Clock
}

/** Counts requests that are over, for Prometheus and for the status page. */
export class RequestCounts {
  readonly #metrics: Metrics
  readonly #recent: RecentEvents
  readonly #clock: Clock

  constructor({ metrics, recent, clock }: RequestCountsParts) {
    this.#metrics = metrics
    this.#recent = recent
    this.#clock = clock
  }

  /** @param status the status that the client was sent; 499 when it had left before that */
  count(record: RequestRecord, status: number): void {
    const { resource, decision, reason } = record
    if (reason !== undefined) this.#countLimit(reason)
    if (resource === undefined) return
    const metrics = this.#metrics
    metrics.requests.inc({ resource, decision, reason: reason ?? '', status: String(status) })
    this.#recent.request(resource, record, this.#clock.now())
    if (record.http_method !== 'POST') return
    metrics.duration.observe({ resource }, (performance.now() - record.began) / 1000)
    if (record.sent_at === 0) return
    const own = record.sent_at - record.began - record.waited_ms
    metrics.addedDuration.observe({ resource }, own / 1000)
    metrics.outcomes.inc({ resource, outcome: record.outcome })
    if (record.answered_at === 0) return
    const upstream = record.answered_at - record.sent_at
    metrics.upstreamDuration.observe({ resource }, upstream / 1000)
  }

  #countLimit(reason: string): void {
    const limit = limitOf(reason)
    if (limit === undefined) return
    this.#metrics.limitsReached.inc({ limit })
    this.#recent.limits.note({ limit }, this.#clock.now())
  }
}
