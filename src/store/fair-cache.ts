import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'

/** Characters. What an entry takes beside its key and value. */
const ENTRY_CHARACTERS = 200

/**
 * Texts that end, within a limit that all owners share. Where it is exceeded, the owner who has most
 * loses what was used least lately: no flood of one user's pushes out another's.
 */
export class FairCache {
  readonly #owners = new Map<string, LRUCache<string, string>>()
  readonly #mostCharacters: number
  readonly #clock: Clock
  #characters = 0

  /** @param mostCharacters of keys and values together */
  constructor(mostCharacters: number, clock: Clock) {
    this.#mostCharacters = mostCharacters
    this.#clock = clock
  }

  get(owner: string, key: string): string | undefined {
    return this.#changed(owner, (cache) => cache.get(key))
  }

  /** @param ttl for how long it is kept, milliseconds */
  set(owner: string, key: string, value: string, ttl: number): void {
    // lru-cache keeps an entry through the millisecond in which it ends, and one of ttl 0 for ever.
    const lasts = Math.max(1, Math.ceil(ttl) - 1)
    this.#changed(owner, (cache) => cache.set(key, value, { ttl: lasts }), this.#begin)
    while (this.#characters > this.#mostCharacters) {
      this.#changed(this.#largest(), (cache) => cache.pop())
    }
  }

  delete(owner: string, key: string): void {
    this.#changed(owner, (cache) => cache.delete(key))
  }

  /** Throws out what has ended. */
  sweep(): void {
    for (const owner of [...this.#owners.keys()])
      this.#changed(owner, (cache) => cache.purgeStale())
  }

  #changed<T>(
    owner: string,
    change: (cache: LRUCache<string, string>) => T,
    absent: () => LRUCache<string, string> | undefined = () => undefined,
  ): T | undefined {
    const cache = this.#owners.get(owner) ?? absent()
    if (!cache) return undefined
    const before = cache.calculatedSize
    const result = change(cache)
    this.#characters += cache.calculatedSize - before
    if (cache.size === 0) this.#owners.delete(owner)
    else this.#owners.set(owner, cache)
    return result
  }

  readonly #begin = (): LRUCache<string, string> =>
    new LRUCache({
      maxSize: this.#mostCharacters,
      sizeCalculation: (value, key) => ENTRY_CHARACTERS + key.length + value.length,
      ttlResolution: 0,
      perf: { now: () => this.#clock.now() },
    })

  #largest(): string {
    let [largest, most] = ['', -1]
    for (const [owner, { calculatedSize }] of this.#owners) {
      if (calculatedSize > most) [largest, most] = [owner, calculatedSize]
    }
    return largest
  }
}
