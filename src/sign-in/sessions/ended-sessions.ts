import { LRUCache } from 'lru-cache'
import { atMost } from '../../at-most.ts'
import type { Clock } from '../../clock.ts'

/** What ends sessions: one of them, or all of an owner that began before a moment. */
export type SessionEnd = {
  /** When nothing that it ends can be good any more, milliseconds since the epoch. */
  readonly until: number
} & (
  | { readonly kind: 'family' /** Its digest. */; readonly family: string }
  | {
      readonly kind: 'owner'
      /** As `SessionNames` has it. */
      readonly name: string
      /** Milliseconds since the epoch. */
      readonly before: number
    }
)

/** A session that is asked about. */
export interface AskedSession {
  /** Its digest. */
  readonly family: string
  /** Milliseconds since the epoch. */
  readonly began: number
  /** The names of its owners; asked for only where an owner's sessions were ended. */
  names(): readonly string[]
}

/** Ends of single sessions; about 10 MB at the most. The oldest makes room. */
export const MOST_FAMILIES = 50_000
const MOST_OWNERS = 10_000

/**
 * The sessions that ended before their time, as far as this process knows: what it ended itself at
 * once, what others did once the store's log was read. It lives as long as the process, across
 * reloads, and is asked on every request: without a promise.
 */
export class EndedSessions {
  readonly #families: LRUCache<string, true>
  readonly #owners: LRUCache<string, number>
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
    const times = { ttlResolution: 0, perf: { now: () => clock.now() } }
    this.#families = new LRUCache({ ...atMost(MOST_FAMILIES), ttl: 1, ...times })
    this.#owners = new LRUCache({ ...atMost(MOST_OWNERS), ttl: 1, ...times })
  }

  /** Takes ends in; whoever listens is told once, where any of them is news. */
  add(ends: readonly SessionEnd[]): void {
    let news = false
    for (const end of ends) news = this.#addOne(end) || news
    if (news) for (const listener of this.#listeners) listener()
  }

  has({ family, began, names }: AskedSession): boolean {
    if (this.#families.has(family)) return true
    if (this.#owners.size === 0) return false
    return names().some((name) => began < (this.#owners.get(name) ?? 0))
  }

  /** @returns ends the listening */
  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #addOne(end: SessionEnd): boolean {
    const ttl = Math.ceil(end.until - this.#clock.now())
    if (ttl <= 0) return false
    if (end.kind === 'family') {
      if (this.#families.has(end.family)) return false
      this.#families.set(end.family, true, { ttl })
      return true
    }
    if ((this.#owners.get(end.name) ?? 0) >= end.before) return false
    this.#owners.set(end.name, end.before, { ttl })
    return true
  }
}
