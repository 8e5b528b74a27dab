import type { Redis } from 'ioredis'
import { connectRedis, pauseBefore, type RedisConfig, reasonOf } from './redis-connection.ts'
import {
  type EndingMember,
  type LogBounds,
  type LogEntry,
  type LogPosition,
  type SetBounds,
  type SharedStore,
  type StoreEvent,
  StoreUnavailable,
} from './store.ts'

/** How many members of a set are read at once. */
const PAGE = 1_000
/** The one field of a log's entries. */
const FIELD = 'e'

/** Redis or Valkey: one server, or what looks like one; all processes with its address share it. */
export class RedisStore implements SharedStore {
  readonly shared = true
  readonly #redis: Redis
  readonly #onEvent: (event: StoreEvent) => void
  /** Whether there was a connection, or why there is none. */
  #tried = false
  #worked = false
  readonly #began = performance.now()
  #away = false
  #closed = false
  /** Since something was written the last time. */
  #attempts = 0
  #tryAgain: NodeJS.Timeout | undefined

  /** @param config holds the password; it goes nowhere else */
  constructor(config: RedisConfig, onEvent: (event: StoreEvent) => void) {
    this.#onEvent = onEvent
    // ioredis begins anew with each connection, also where the login is refused then.
    this.#redis = connectRedis(config, { retryStrategy: () => pauseBefore(++this.#attempts) })
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

  async append(log: string, entry: string, { most, ttl }: LogBounds): Promise<void> {
    await this.#write((redis) =>
      Promise.all([
        redis.xadd(log, 'MAXLEN', '~', most, '*', FIELD, entry),
        redis.pexpire(log, whole(ttl)),
      ]),
    )
  }

  async readLog(
    log: string,
    after: LogPosition | undefined,
    most: number,
  ): Promise<readonly LogEntry[]> {
    const read = await this.#ask((redis) =>
      redis.xread('COUNT', most, 'STREAMS', log, after ?? '0-0'),
    )
    const entries = read?.[0]?.[1] ?? []
    return entries.map(([position, [, text = '']]) => ({ position: position as LogPosition, text }))
  }

  async addMember(
    set: string,
    { name, until }: EndingMember,
    { now, most, ttl }: SetBounds,
  ): Promise<void> {
    await this.#write((redis) =>
      Promise.all([
        redis.zadd(set, until, name),
        redis.zremrangebyscore(set, '-inf', now),
        redis.zremrangebyrank(set, 0, -(most + 1)),
        redis.pexpire(set, whole(ttl)),
      ]),
    )
  }

  async removeMembers(set: string, members: readonly string[]): Promise<void> {
    if (members.length > 0) await this.#write((redis) => redis.zrem(set, ...members))
  }

  async *membersOf(set: string): AsyncIterable<readonly EndingMember[]> {
    let cursor = '0'
    do {
      const [next, found] = await this.#ask((redis) => redis.zscan(set, cursor, 'COUNT', PAGE))
      const members: EndingMember[] = []
      for (let at = 0; at < found.length; at += 2) {
        members.push({ name: found[at] ?? '', until: Number(found[at + 1]) })
      }
      yield members
      cursor = next
    } while (cursor !== '0')
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#tryAgain)
    this.#redis.disconnect()
  }

  /**
   * A server that answers may still take nothing: a replica, one that loads, or one without memory.
   * It is tried again until it does, so that its return is told also when nobody signs in.
   */
  async #tryOut(): Promise<void> {
    clearTimeout(this.#tryAgain)
    const works = await this.set('probe', '', 1).then(
      () => true,
      () => false,
    )
    if (works || this.#closed || this.#redis.status !== 'ready') return
    this.#tryAgain = setTimeout(() => void this.#tryOut(), pauseBefore(++this.#attempts))
    this.#tryAgain.unref()
  }

  async #write<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    const answer = await this.#ask(command)
    this.#worked = true
    this.#attempts = 0
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

  #isStillComing(reason: string): boolean {
    const young = performance.now() - this.#began < COMES_WITHIN_MS
    return young && !this.#worked && slow.has(reason)
  }

  #failed(error: unknown): void {
    if (this.#closed) return
    const reason = reasonOf(error)
    this.#onEvent({ kind: 'store_error', reason })
    if (this.#away || !this.#tried || this.#isStillComing(reason)) return
    this.#away = true
    this.#onEvent({ kind: 'store_away', reason })
  }
}

/** A first connection may be slow: that alone is no failure, and no line in the log. */
const COMES_WITHIN_MS = 10_000
const slow: ReadonlySet<string> = new Set(['timeout', 'disconnected'])

/** Redis takes whole milliseconds, one at least. */
function whole(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds))
}
