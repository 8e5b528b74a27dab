import type { Counter, Histogram } from 'prom-client'
import type { Clock } from '../../clock.ts'
import type { Outcome } from '../log-lines.ts'
import type { RecentEvents } from '../recent/recent-events.ts'
import type { RequestRecord } from '../record.ts'
import { limitOf } from './limits-reached.ts'
import type { Metrics } from './metrics.ts'

export interface RequestCountsParts {
  readonly metrics: Metrics
  readonly recent: RecentEvents
  readonly clock: Clock
}

type Observer = Histogram.Internal<'resource'>

/** What is counted and measured of one resource, its labels bound: looking a series up costs 0.5 µs. */
class ResourceSeries {
  readonly duration: Observer
  readonly addedDuration: Observer
  readonly upstreamDuration: Observer
  readonly #outcomes = new Map<Outcome, Counter.Internal>()
  /** Those of requests that were served, by their status. */
  readonly #served = new Map<number, Counter.Internal>()
  readonly #metrics: Metrics
  readonly #resource: string

  constructor(resource: string, metrics: Metrics) {
    this.#resource = resource
    this.#metrics = metrics
    this.duration = metrics.duration.labels({ resource })
    this.addedDuration = metrics.addedDuration.labels({ resource })
    this.upstreamDuration = metrics.upstreamDuration.labels({ resource })
  }

  outcome(outcome: Outcome): Counter.Internal {
    const known = this.#outcomes.get(outcome)
    if (known !== undefined) return known
    const made = this.#metrics.outcomes.labels({ resource: this.#resource, outcome })
    this.#outcomes.set(outcome, made)
    return made
  }

  request({ decision, reason = '' }: RequestRecord, status: number): Counter.Internal {
    const isPlain = decision === 'allow' && reason === ''
    const known = isPlain ? this.#served.get(status) : undefined
    if (known !== undefined) return known
    const labels = { resource: this.#resource, decision, reason, status: String(status) }
    const made = this.#metrics.requests.labels(labels)
    if (isPlain) this.#served.set(status, made)
    return made
  }
}

/** Counts requests that are over, for Prometheus and for the status page. */
export class RequestCounts {
  readonly #metrics: Metrics
  /** By the resource's name. */
  readonly #series = new Map<string, ResourceSeries>()
  readonly #recent: RecentEvents
  readonly #clock: Clock

  constructor({ metrics, recent, clock }: RequestCountsParts) {
    this.#metrics = metrics
    this.#recent = recent
    this.#clock = clock
  }

  /** @param status the status that the client was sent; 499 when it had left before that */
  count(record: RequestRecord, status: number): void {
    const { resource, reason } = record
    if (reason !== undefined) this.#countLimit(reason)
    if (resource === undefined) return
    const series = this.#seriesOf(resource)
    series.request(record, status).inc()
    this.#recent.request(resource, record, this.#clock.now())
    if (record.http_method !== 'POST') return
    series.duration.observe((performance.now() - record.began) / 1000)
    if (record.sent_at === 0) return
    const own = record.sent_at - record.began - record.waited_ms
    series.addedDuration.observe(own / 1000)
    series.outcome(record.outcome).inc()
    if (record.answered_at === 0) return
    series.upstreamDuration.observe((record.answered_at - record.sent_at) / 1000)
  }

  #seriesOf(resource: string): ResourceSeries {
    const known = this.#series.get(resource)
    if (known !== undefined) return known
    const made = new ResourceSeries(resource, this.#metrics)
    this.#series.set(resource, made)
    return made
  }

  #countLimit(reason: string): void {
    const limit = limitOf(reason)
    if (limit === undefined) return
    this.#metrics.limitsReached.inc({ limit })
    this.#recent.limits.note({ limit }, this.#clock.now())
  }
}
