import type { Redis } from 'ioredis'
import { connectRedis, reasonOf } from './redis-connection.ts'
import { type Store, type StoreEvent, StoreUnavailable } from './store.ts'

/** Redis or Valkey: one server, or what looks like one; all processes with its address share it. */
export class RedisStore implements Store {
  readonly shared = true
  readonly #redis: Redis
  readonly #onEvent: (event: StoreEvent) => void
  /** Whether there was a connection, or why there is none. */
  #tried = false
  #away = false
  #closed = false

  /** @param url holds the password; it goes nowhere else */
  constructor(url: string, onEvent: (event: StoreEvent) => void) {
    this.#onEvent = onEvent
    this.#redis = connectRedis(url)
    this.#redis.on('error', (error) => {
      this.#tried = true
      this.#failed(error)
    })
    this.#redis.on('ready', () => {
      this.#tried = true
      void this.#tryOut()
    })
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#ask((redis) => redis.get(key))) ?? undefined
  }

  async setIfAbsent(key: string, value: string, ttl: number): Promise<boolean> {
    const done = await this.#write((redis) => redis.set(key, value, 'PX', whole(ttl), 'NX'))
    return done === 'OK'
  }

  async set(key: string, value: string, ttl: number): Promise<void> {
    await this.#write((redis) => redis.set(key, value, 'PX', whole(ttl)))
  }

  async delete(key: string): Promise<void> {
    await this.#write((redis) => redis.del(key))
  }

  close(): void {
    this.#closed = true
    this.#redis.disconnect()
  }

  /** A server that answers may still take nothing: a replica, or one without memory. */
  async #tryOut(): Promise<void> {
    await this.set('probe', '', 1).catch(() => undefined)
  }

  async #write<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    const answer = await this.#ask(command)
    if (this.#away) {
      this.#away = false
      this.#onEvent({ kind: 'store_back' })
    }
    return answer
  }

  async #ask<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await command(this.#redis)
    } catch (error) {
      const reason = reasonOf(error)
      this.#failed(error)
      // A server that hangs: dropping the connection makes the next command fail at once, not wait.
      if (reason === 'timeout') this.#redis.disconnect(true)
      throw new StoreUnavailable(reason)
    }
  }

  #failed(error: unknown): void {
    if (this.#closed) return
    const reason = reasonOf(error)
    this.#onEvent({ kind: 'store_error', reason })
    if (this.#away || !this.#tried) return
    this.#away = true
    this.#onEvent({ kind: 'store_away', reason })
  }
}

/** Redis takes whole milliseconds, one at least. */
function whole(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds))
}
