import { Redis, type RedisOptions } from 'ioredis'
import type { StoreConfig } from '../config/config.ts'
import { parseRedisUrl } from '../config/urls/redis-url.ts'
import { ValueError } from '../config/value-error.ts'

/** A store with a server. */
export type RedisConfig = StoreConfig & { readonly redis_url: string }

/** A first connection may be slow (a name, TLS, a far region); no command waits for it. */
const CONNECTED_WITHIN_MS = 10_000
/** An answer that has not come by then counts as none. */
export const ANSWERED_WITHIN_MS = 1_000
/** Shorter than what takes connections for idle (Azure's load balancer: 4 minutes). */
const KEPT_ALIVE_EVERY_MS = 30_000
const LONGEST_PAUSE_MS = 2_000

/**
 * A connection to Redis or Valkey. Nothing waits for it: without a connection every command fails at
 * once, and with one within a second. With TLS the certificate is always verified, whatever
 * NODE_TLS_REJECT_UNAUTHORIZED says.
 *
 * ioredis and not node-redis: its limit of time holds for commands that are already sent, which is
 * what a server that hangs needs, and commands are not sent again by themselves, which single use
 * would not survive.
 */
export function connectRedis(config: RedisConfig, options: RedisOptions = {}): Redis {
  return new Redis({
    ...addressOptions(config),
    keyPrefix: 'rolecall:',
    connectionName: 'rolecall',
    connectTimeout: CONNECTED_WITHIN_MS,
    commandTimeout: ANSWERED_WITHIN_MS,
    disconnectTimeout: 0,
    keepAlive: KEPT_ALIVE_EVERY_MS,
    enableOfflineQueue: false,
    // The first command says what a server has against us (LOADING, NOAUTH), in its own word.
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: pauseBefore,
    // A former primary, after a fail-over behind the same name.
    reconnectOnError: (error) => reasonOf(error) === 'READONLY',
    ...options,
  })
}

/** Said one by one: as a URL, ioredis would take further options from its query. */
function addressOptions(config: RedisConfig): RedisOptions {
  const address = parseRedisUrl(config.redis_url)
  if (address instanceof ValueError) throw new Error(`redis_url ${address.message}`)
  const { host, port, tls, database } = address
  const username = config.redis_username ?? address.username
  const password = config.redis_password ?? address.password
  return {
    host,
    port,
    db: database,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: { rejectUnauthorized: true } }),
  }
}

/** Backoff in milliseconds: grows to two seconds, and differs from process to process. */
export function pauseBefore(attempt: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(attempt, 10))
  return longest / 2 + Math.random() * (longest / 2)
}

/** What servers call `ERR`, and operators can tell apart. */
const namedErrors: readonly (readonly [RegExp, string])[] = [
  [/max number of clients/, 'MAXCLIENTS'],
  [/SELECT is not allowed in cluster/, 'CLUSTERMODE'],
  [/wrong number of arguments for 'auth'/, 'NOUSERS'],
]

/**
 * Why something failed, in one word: the system's code, or the first word of what the server said
 * (`NOAUTH`, `READONLY`). The errors themselves hold commands, and so the password.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error.name === 'ReplyError') {
    const named = namedErrors.find(([words]) => words.test(error.message))
    return named?.[1] ?? /^[A-Z]{2,30}\b/.exec(error.message)?.[0] ?? 'refused'
  }
  if (error.name === 'ParserError') return 'not_redis'
  return /timed? ?out/i.test(error.message) ? 'timeout' : 'disconnected'
}
