import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { Store } from './store.ts'

/** Characters, of keys and values of one kind together. What was used least lately makes room. */
const MOST_KEPT = 16_000_000
/** Characters. What an entry takes beside its key and value. */
const ENTRY = 200

/** How often what has ended is thrown out, in milliseconds, so that it crowds nothing out. */
const SWEEP_EVERY = 60_000

interface Kept {
  readonly value: string
  /** Milliseconds since the epoch. */
  readonly until: number
}

/** This process's memory: nobody else sees it, and it ends with the process. */
export class MemoryStore implements Store {
  readonly shared = false
  readonly #clock: Clock
  /** By what stands before the colon of a key: no kind crowds out another. */
  readonly #kinds = new Map<string, LRUCache<string, Kept>>()
  #swept: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#swept = clock.now()
  }

  async get(key: string): Promise<string | undefined> {
    return this.#current(key)?.value
  }

  async setIfAbsent(key: string, value: string, ttl: number): Promise<boolean> {
    if (this.#current(key)) return false
    this.#put(key, value, ttl)
    return true
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    this.#put(key, value, ttl)
  }

  async delete(key: string): Promise<void> {
    this.#kindOf(key).delete(key)
  }

  close(): void {
    this.#kinds.clear()
  }

  #kindOf(key: string): LRUCache<string, Kept> {
    const name = key.slice(0, key.indexOf(':') + 1)
    const known = this.#kinds.get(name)
    if (known) return known
    const kind = new LRUCache<string, Kept>({
      maxSize: MOST_KEPT,
      sizeCalculation: ({ value }, of) => ENTRY + of.length + value.length,
    })
    this.#kinds.set(name, kind)
    return kind
  }

  #current(key: string): Kept | undefined {
    const kept = this.#kindOf(key).get(key)
    return kept && kept.until > this.#clock.now() ? kept : undefined
  }

  #put(key: string, value: string, ttl: number): void {
    this.#sweep()
    this.#kindOf(key).set(key, { value, until: this.#clock.now() + ttl })
  }

  #sweep(): void {
    const now = this.#clock.now()
    if (now - this.#swept < SWEEP_EVERY) return
    this.#swept = now
    for (const kind of this.#kinds.values()) {
      for (const [key, { until }] of kind.entries()) if (until <= now) kind.delete(key)
    }
  }
}
