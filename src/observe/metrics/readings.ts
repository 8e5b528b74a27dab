import { Counter, Gauge } from 'prom-client'
import type { Metrics } from './metrics.ts'

/** What is asked for when Prometheus comes by. Times are milliseconds since the epoch. */
export interface Readings {
  openCalls(): number
  openStreams(): number
  /** Of request bodies. */
  bufferedBytes(): number
  cachedTokens(): number
  /** Lines that were left out of the log. */
  lostLines(): Readonly<Record<string, number>>
  provider(): ProviderReading
  /** Whether the store can be used; undefined: there is none. */
  storeIsUp(): boolean | undefined
  /** When each certificate ends that the configuration names, by what it is used for. */
  certificateEnds(): Readonly<Record<string, number>>
  /** Each cluster of the fleet, and whether it is left alone. */
  clustersLeftAlone(): readonly (readonly [cluster: string, isLeftAlone: boolean])[]
}

export interface ProviderReading {
  readonly decides: boolean
  /** Absent before the first fetch. */
  readonly keysFetchedAt?: number
  readonly discoveryFetchedAt?: number
  /** Milliseconds from a good fetch to the next. */
  readonly refreshEvery: number
}

interface Described {
  readonly name: string
  readonly help: string
}

/** Registers the gauges that are read from running parts. */
export function observeReadings({ registry }: Metrics, readings: Readings): void {
  const registers = [registry]
  /** Not there while `read` gives nothing. */
  const gauge = (described: Described, read: () => number | undefined): void => {
    new Gauge({
      ...described,
      registers,
      collect() {
        const value = read()
        if (value === undefined) this.remove()
        else this.set(value)
      },
    })
  }
  for (const [described, read] of gaugesOf(readings)) gauge(described, read)
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
    name: 'rolecall_certificate_expires_timestamp_seconds',
    help: 'When a certificate ends, by the setting that names it.',
    labelNames: ['setting'],
    registers,
    collect() {
      this.reset()
      for (const [setting, at] of Object.entries(readings.certificateEnds())) {
        this.set({ setting }, at / 1000)
      }
    },
  })
  new Gauge({
    name: 'rolecall_fleet_cluster_left_alone',
    help: 'Whether a cluster of the fleet is left alone for a while, since it failed in transport several times in a row: calls to it are not sent, but for one that tries it.',
    labelNames: ['cluster'],
    registers,
    collect() {
      this.reset()
      for (const [cluster, isLeftAlone] of readings.clustersLeftAlone()) {
        this.set({ cluster }, Number(isLeftAlone))
      }
    },
  })
}

function gaugesOf(readings: Readings): readonly (readonly [Described, () => number | undefined])[] {
  const seconds = (milliseconds: number | undefined) =>
    milliseconds === undefined ? undefined : milliseconds / 1000
  return [
    [
      { name: 'rolecall_open_calls', help: 'Calls that are under way.' },
      () => readings.openCalls(),
    ],
    [
      { name: 'rolecall_open_streams', help: 'Event streams that clients hold open.' },
      () => readings.openStreams(),
    ],
    [
      { name: 'rolecall_buffered_bytes', help: 'Bytes of request bodies that are held.' },
      () => readings.bufferedBytes(),
    ],
    [
      {
        name: 'rolecall_cached_tokens',
        help: 'Tokens whose signature need not be checked again.',
      },
      () => readings.cachedTokens(),
    ],
    [
      {
        name: 'rolecall_can_decide',
        help: 'Whether tokens can be judged: there are keys, and none older than stale_for.',
      },
      () => Number(readings.provider().decides),
    ],
    [
      {
        name: 'rolecall_keys_fetched_timestamp_seconds',
        help: 'When the key set was last fetched.',
      },
      () => seconds(readings.provider().keysFetchedAt),
    ],
    [
      {
        name: 'rolecall_discovery_fetched_timestamp_seconds',
        help: 'When the discovery document was last fetched.',
      },
      () => seconds(readings.provider().discoveryFetchedAt),
    ],
    [
      {
        name: 'rolecall_documents_refresh_seconds',
        help: 'How often keys and discovery are fetched while all is well.',
      },
      () => seconds(readings.provider().refreshEvery),
    ],
    [
      {
        name: 'rolecall_store_up',
        help: 'Whether Redis takes commands; not there without [store].',
      },
      () => {
        const up = readings.storeIsUp()
        return up === undefined ? undefined : Number(up)
      },
    ],
  ]
}
