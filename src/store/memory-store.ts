import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { Store } from './store.ts'

/** Characters, of keys and values together. What was used least lately makes room. */
const MOST_KEPT = 32_000_000
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
  readonly #kept = new LRUCache<string, Kept>({
    maxSize: MOST_KEPT,
    sizeCalculation: ({ value }, key) => ENTRY + key.length + value.length,
  })
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
    this.#kept.delete(key)
  }

  close(): void {
    this.#kept.clear()
  }

  #current(key: string): Kept | undefined {
    const kept = this.#kept.get(key)
    return kept && kept.until > this.#clock.now() ? kept : undefined
  }

  #put(key: string, value: string, ttl: number): void {
    this.#sweep()
    this.#kept.set(key, { value, until: this.#clock.now() + ttl })
  }

  #sweep(): void {
    const now = this.#clock.now()
    if (now - this.#swept < SWEEP_EVERY) return
    this.#swept = now
    for (const [key, { until }] of this.#kept.entries()) {
      if (until <= now) this.#kept.delete(key)
    }
  }
}
