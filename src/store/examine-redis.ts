import type { Redis } from 'ioredis'
import { connectRedis, type RedisConfig, reasonOf } from './redis-connection.ts'

/** What a server said when it was asked once. */
export type ExaminedRedis =
  /** Name and version, as in `Redis 7.0.15`; absent where the user may not ask. */
  | { readonly kind: 'usable'; readonly server?: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** The operator waits for the answer. */
const CONNECTED_WITHIN_MS = 4_000

/** Connects once and tries what a store needs: texts, a log and a set. Within a few seconds. */
export async function examineRedis(config: RedisConfig): Promise<ExaminedRedis> {
  const redis = connectRedis(config, {
    lazyConnect: true,
    connectTimeout: CONNECTED_WITHIN_MS,
    retryStrategy: () => null,
  })
  let reason: string | undefined
  redis.on('error', (error) => {
    reason ??= reasonOf(error)
  })
  try {
    await redis.connect()
    const key = `probe:${process.pid}`
    await redis.set(key, '', 'PX', 1_000)
    await redis.get(key)
    await tryLogAndSet(redis, key)
    await redis.del(key)
    const server = await serverOf(redis)
    // A database that is not there is told of, and another one used.
    if (reason !== undefined) return { kind: 'failed', reason }
    return { kind: 'usable', ...(server !== undefined && { server }) }
  } catch (error) {
    return { kind: 'failed', reason: reason ?? reasonOf(error) }
  } finally {
    redis.disconnect()
  }
}

/** A user may be allowed texts alone. */
async function tryLogAndSet(redis: Redis, key: string): Promise<void> {
  const [log, set] = [`${key}:log`, `${key}:set`]
  await redis.xadd(log, 'MAXLEN', '~', 1, '*', 'e', '')
  await redis.pexpire(log, 1_000)
  await redis.xread('COUNT', 1, 'STREAMS', log, '0-0')
  await redis.zadd(set, 0, '')
  await redis.pexpire(set, 1_000)
  await redis.zscan(set, '0')
  await redis.zremrangebyscore(set, '-inf', 0)
  await redis.zremrangebyrank(set, 0, -1)
  await redis.zrem(set, '')
  await redis.del(log)
}

/** Valkey tells a Redis version too, for what asks for one. */
async function serverOf(redis: Redis): Promise<string | undefined> {
  const told = await redis.info('server').catch(() => '')
  for (const name of ['Valkey', 'Redis']) {
    const version = new RegExp(`^${name.toLowerCase()}_version:([\\w.-]{1,40})\\r?$`, 'm').exec(
      told,
    )
    if (version) return `${name} ${version[1]}`
  }
  return undefined
}
