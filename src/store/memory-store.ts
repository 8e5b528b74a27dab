import type { Clock } from '../clock.ts'
import { FairCache } from './fair-cache.ts'
import type { ProcessStore } from './store.ts'

/** Characters, of keys and values of one kind together. */
const MOST_CHARACTERS = 16_000_000

/** How often what has ended is thrown out, in milliseconds, so that it crowds nothing out. */
const SWEEP_EVERY_MS = 60_000

/**
 * This process's memory: no other process sees it, and it ends with the process. Keys are
 * `kind:owner:name`, or `kind:name` for what is nobody's: no kind crowds out another, and within a kind
 * no owner another.
 */
export class MemoryStore implements ProcessStore {
  readonly shared = false
  readonly #clock: Clock
  readonly #mostCharacters: number
  readonly #kinds = new Map<string, FairCache>()
  #swept: number

  /** @param mostCharacters of each kind; for tests */
  constructor(clock: Clock, mostCharacters = MOST_CHARACTERS) {
    this.#clock = clock
    this.#mostCharacters = mostCharacters
    this.#swept = clock.now()
  }

  async get(key: string): Promise<string | undefined> {
    return this.#kindOf(key).get(ownerOf(key), key)
  }

  async setIfAbsent(key: string, value: string, ttl: number): Promise<boolean> {
    if (this.#kindOf(key).get(ownerOf(key), key) !== undefined) return false
    this.#put(key, value, ttl)
    return true
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    this.#put(key, value, ttl)
  }

  async delete(key: string): Promise<void> {
    this.#kindOf(key).delete(ownerOf(key), key)
  }

  close(): void {
    this.#kinds.clear()
  }

  #kindOf(key: string): FairCache {
    const name = key.slice(0, key.indexOf(':') + 1)
    const kind = this.#kinds.get(name) ?? new FairCache(this.#mostCharacters, this.#clock)
    this.#kinds.set(name, kind)
    return kind
  }

  #put(key: string, value: string, ttl: number): void {
    this.#sweep()
    this.#kindOf(key).set(ownerOf(key), key, value, ttl)
  }

  #sweep(): void {
    const now = this.#clock.now()
    if (now - this.#swept < SWEEP_EVERY_MS) return
    this.#swept = now
    for (const kind of this.#kinds.values()) kind.sweep()
  }
}

function ownerOf(key: string): string {
  const [, owner = '', name] = key.split(':')
  return name === undefined ? '' : owner
}
