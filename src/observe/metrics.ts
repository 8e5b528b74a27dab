import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** The gauges whose value is asked for when Prometheus comes by. */
export interface Readings {
  openStreams(): number
  /** Of request bodies. */
  bufferedBytes(): number
  cachedTokens(): number
  /** Lines that were left out of the log. */
  lostLines(): Readonly<Record<'request' | 'other', number>>
  /** Milliseconds since the epoch; undefined before the first fetch. */
  keysFetchedAt(): number | undefined
}

/** What is counted. No label names a user, and each takes few values. */
export interface Metrics {
  readonly registry: Registry
  readonly requests: Counter<'resource' | 'decision' | 'reason' | 'status'>
  readonly duration: Histogram<'resource'>
  readonly providerFetches: Counter<'document' | 'outcome'>
  readonly providerGrants: Counter<'grant' | 'outcome'>
  readonly tokenGrants: Counter<'outcome'>
  readonly storeErrors: Counter
  readonly registrations: Counter<'outcome'>
  readonly connectionsRefused: Counter
  readonly reloads: Counter<'outcome'>
  readonly upstreamIdentity: Gauge<'resource' | 'verdict'>
}

/** The process's metrics, with Node's own (memory, event loop lag, garbage collection). */
export function createMetrics(version: string): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'rolecall_build_info',
    help: 'The version that runs.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1)
  return {
    registry,
    requests: new Counter({
      name: 'rolecall_requests_total',
      help: 'Requests to resources by decision, reason and status.',
      labelNames: ['resource', 'decision', 'reason', 'status'],
      registers,
    }),
    duration: new Histogram({
      name: 'rolecall_request_duration_seconds',
      help: 'From the arrival of a request until its answer has ended; streams are not in it.',
      labelNames: ['resource'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers,
    }),
    providerFetches: new Counter({
      name: 'rolecall_identity_provider_fetches_total',
      help: 'Fetches of discovery and key documents.',
      labelNames: ['document', 'outcome'],
      registers,
    }),
    providerGrants: new Counter({
      name: 'rolecall_identity_provider_grants_total',
      help: 'Codes and refresh tokens that the identity provider was asked to redeem.',
      labelNames: ['grant', 'outcome'],
      registers,
    }),
    tokenGrants: new Counter({
      name: 'rolecall_token_requests_total',
      help: 'Requests to our token endpoints: ok, or the OAuth error.',
      labelNames: ['outcome'],
      registers,
    }),
    storeErrors: new Counter({
      name: 'rolecall_store_errors_total',
      help: 'Commands that the store did not take, and attempts to connect to it that failed.',
      registers,
    }),
    registrations: new Counter({
      name: 'rolecall_registrations_total',
      help: 'Registrations of clients: ok, or the OAuth error.',
      labelNames: ['outcome'],
      registers,
    }),
    connectionsRefused: new Counter({
      name: 'rolecall_connections_refused_total',
      help: 'Client connections beyond limits.connections.',
      registers,
    }),
    reloads: new Counter({
      name: 'rolecall_configuration_reloads_total',
      help: 'Readings of the configuration after the start.',
      labelNames: ['outcome'],
      registers,
    }),
    upstreamIdentity: new Gauge({
      name: 'rolecall_upstream_identity',
      help: 'As whom an upstream acts in the cluster: 1 at what was last shown.',
      labelNames: ['resource', 'verdict'],
      registers,
    }),
  }
}

/** Registers the gauges that are read from running parts. */
export function observeReadings(metrics: Metrics, readings: Readings): void {
  const registers = [metrics.registry]
  new Gauge({
    name: 'rolecall_open_streams',
    help: 'Event streams that clients hold open.',
    registers,
    collect() {
      this.set(readings.openStreams())
    },
  })
  new Counter({
    name: 'rolecall_log_lines_lost_total',
    help: 'Lines that were left out because nobody read the log, or that could not be written.',
    labelNames: ['kind'],
    registers,
    collect() {
      this.reset()
      for (const [kind, lines] of Object.entries(readings.lostLines())) this.inc({ kind }, lines)
    },
  })
  new Gauge({
    name: 'rolecall_buffered_bytes',
    help: 'Bytes of request bodies that are held.',
    registers,
    collect() {
      this.set(readings.bufferedBytes())
    },
  })
  new Gauge({
    name: 'rolecall_cached_tokens',
    help: 'Tokens whose signature need not be checked again.',
    registers,
    collect() {
      this.set(readings.cachedTokens())
    },
  })
  new Gauge({
    name: 'rolecall_keys_fetched_timestamp_seconds',
    help: 'When the key set was last fetched.',
    registers,
    collect() {
      const at = readings.keysFetchedAt()
      if (at !== undefined) this.set(at / 1000)
    },
  })
}
