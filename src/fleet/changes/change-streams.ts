import { LRUCache } from 'lru-cache'
import { atMost } from '../../at-most.ts'
import type { Clock } from '../../clock.ts'
import type { Fleet } from '../fleet.ts'
import type { FleetRequest } from '../fleet-request.ts'

/** A stream of the fleet's client on which it is told that its tools have changed. */
export interface ChangeStream {
  readonly fleet: Fleet
  readonly by: FleetRequest
  /** Tells the client. */
  tell(): void
  /** Hears of changes at one cluster, until the signal. */
  follow(fleet: Fleet, cluster: string, signal: AbortSignal): Promise<void>
  /** What the client sees of its clusters, as a text that can be compared. */
  clusters(fleet: Fleet): Promise<string>
}

const TOLD_EVERY_MS = 5_000
const MOST_CLIENTS = 20_000
/** Clusters that one stream hears of; each is a stream of its own there. */
const MOST_FOLLOWED = 16

/**
 * The clients' streams for changes, those of every configuration: a reload ends none. A change is told to
 * the streams of the user alone whose tools it is about, each at most once in five seconds. Streams are
 * bounded by `limits.streams_per_user`, and what they open at clusters ends with them.
 */
export class ChangeStreams {
  readonly #clock: Clock
  readonly #open = new Set<OpenStream>()
  /** Which clusters each client has used, by user and session. */
  readonly #used = new LRUCache<string, ReadonlySet<string>>(atMost(MOST_CLIENTS))

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Until the request of the stream ends. */
  open(stream: ChangeStream): void {
    const { by } = stream
    if (by.signal.aborted) return
    const opened = new OpenStream(stream, this.#clock)
    this.#open.add(opened)
    by.signal.addEventListener('abort', () => {
      this.#open.delete(opened)
      opened.end()
    })
    for (const cluster of this.#used.get(clientOf(by)) ?? []) opened.follow(cluster)
  }

  /** A client has used a cluster: its streams hear of changes there from now on. */
  use(by: FleetRequest, cluster: string): void {
    const client = clientOf(by)
    const used = this.#used.get(client)
    if (used?.has(cluster)) return
    this.#used.set(client, new Set([...(used ?? []), cluster]))
    for (const stream of this.#open) if (clientOf(stream.by) === client) stream.follow(cluster)
  }

  /** The tools of this user have changed. */
  changed(user: string): void {
    for (const stream of this.#open) {
      if (stream.by.principal.userKey === user) stream.tell()
    }
  }

  /** Another configuration is in force: told to those for whom the clusters are others. */
  reloaded(fleet: Fleet): void {
    for (const stream of this.#open) stream.moveTo(fleet)
  }
}

function clientOf({ principal, session }: FleetRequest): string {
  return JSON.stringify([principal.userKey, session])
}

class OpenStream {
  readonly by: FleetRequest
  readonly #stream: ChangeStream
  readonly #clock: Clock
  #fleet: Fleet
  #clusters: Promise<string>
  #following = new Map<string, AbortController>()
  #toldAt = Number.NEGATIVE_INFINITY
  #cancelTelling: (() => void) | undefined

  constructor(stream: ChangeStream, clock: Clock) {
    this.by = stream.by
    this.#stream = stream
    this.#clock = clock
    this.#fleet = stream.fleet
    this.#clusters = unlessItFails(stream.clusters(stream.fleet))
  }

  tell(): void {
    if (this.#cancelTelling !== undefined) return
    const wait = this.#toldAt + TOLD_EVERY_MS - this.#clock.now()
    if (wait <= 0) this.#tellNow()
    else this.#cancelTelling = this.#clock.after(wait, () => this.#tellNow())
  }

  follow(cluster: string): void {
    if (this.#following.has(cluster) || this.#following.size >= MOST_FOLLOWED) return
    const ended = new AbortController()
    this.#following.set(cluster, ended)
    const { signal } = ended
    void this.#stream.follow(this.#fleet, cluster, signal).catch(() => undefined)
  }

  moveTo(fleet: Fleet): void {
    const followed = [...this.#following.keys()]
    this.#endFollowing()
    this.#fleet = fleet
    for (const cluster of followed) this.follow(cluster)
    const before = this.#clusters
    this.#clusters = unlessItFails(this.#stream.clusters(fleet))
    void Promise.all([before, this.#clusters]).then(([was, is]) => {
      if (was !== is && !this.by.signal.aborted) this.tell()
    })
  }

  end(): void {
    this.#cancelTelling?.()
    this.#endFollowing()
  }

  #tellNow(): void {
    this.#cancelTelling = undefined
    this.#toldAt = this.#clock.now()
    this.#stream.tell()
  }

  #endFollowing(): void {
    for (const ended of this.#following.values()) ended.abort()
    this.#following = new Map()
  }
}

function unlessItFails(text: Promise<string>): Promise<string> {
  return text.catch(() => '')
}
