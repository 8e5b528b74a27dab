import type { Redis } from 'ioredis'
import { connectRedis, type RedisConfig, reasonOf } from './redis-connection.ts'

/** What a server said when it was asked once. */
export type ExaminedRedis =
  /** Name and version, as in `Redis 7.0.15`; absent where the user may not ask. */
  | { readonly kind: 'usable'; readonly server?: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** The operator waits for the answer. */
const CONNECTED_WITHIN_MS = 4_000

/** Connects once and tries what a store needs: to write, read and delete. Within a few seconds. */
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
