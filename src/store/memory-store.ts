import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { ProcessStore } from './store.ts'

/** Characters, of keys and values of one kind together. What was used least lately makes room. */
const MOST_CHARACTERS = 16_000_000
/** Characters. What an entry takes beside its key and value. */
const ENTRY_CHARACTERS = 200

/** How often what has ended is thrown out, in milliseconds, so that it crowds nothing out. */
const SWEEP_EVERY_MS = 60_000

/** This process's memory: no other process sees it, and it ends with the process. */
export class MemoryStore implements ProcessStore {
  readonly shared = false
  readonly #clock: Clock
  /** By what stands before the colon of a key: no kind crowds out another. */
  readonly #kinds = new Map<string, LRUCache<string, string>>()
  #swept: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#swept = clock.now()
  }

  async get(key: string): Promise<string | undefined> {
    return this.#kindOf(key).get(key)
  }

  async setIfAbsent(key: string, value: string, ttl: number): Promise<boolean> {
    if (this.#kindOf(key).has(key)) return false
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

  #kindOf(key: string): LRUCache<string, string> {
    const name = key.slice(0, key.indexOf(':') + 1)
    const known = this.#kinds.get(name)
    if (known) return known
    const kind = new LRUCache<string, string>({
      maxSize: MOST_CHARACTERS,
      sizeCalculation: (value, of) => ENTRY_CHARACTERS + of.length + value.length,
      ttlResolution: 0,
      perf: { now: () => this.#clock.now() },
    })
    this.#kinds.set(name, kind)
    return kind
  }

  #put(key: string, value: string, ttl: number): void {
    this.#sweep()
    // lru-cache keeps an entry through the millisecond in which it ends, and one of ttl 0 for ever.
    this.#kindOf(key).set(key, value, { ttl: Math.max(1, Math.ceil(ttl) - 1) })
  }

  #sweep(): void {
    const now = this.#clock.now()
    if (now - this.#swept < SWEEP_EVERY_MS) return
    this.#swept = now
    for (const kind of this.#kinds.values()) kind.purgeStale()
  }
}
