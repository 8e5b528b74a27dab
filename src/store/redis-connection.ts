import { Redis, type RedisOptions } from 'ioredis'
import { errorCode } from '../net/error-code.ts'

/** Milliseconds. An answer that has not come by then counts as none. */
const ANSWERED_WITHIN_MS = 1_000
/** Milliseconds. Shorter than what takes connections for idle (Azure's load balancer: 4 minutes). */
const KEPT_ALIVE_EVERY_MS = 30_000
/** Milliseconds. */
const LONGEST_PAUSE_MS = 2_000

/**
 * A connection to Redis or Valkey. Nothing waits for it: without a connection every command fails at
 * once, and with one within a second.
 *
 * ioredis and not node-redis: its limit of time holds for commands that are already sent, which is
 * what a server that hangs needs, and commands are not sent again by themselves, which single use
 * would not survive.
 *
 * @param url redis:// or, with TLS, rediss://; with user name, password and database as they are
 *   commonly written
 */
export function connectRedis(url: string, options: RedisOptions = {}): Redis {
  return new Redis(url, {
    keyPrefix: 'rolecall:',
    connectionName: 'rolecall',
    connectTimeout: ANSWERED_WITHIN_MS,
    commandTimeout: ANSWERED_WITHIN_MS,
    disconnectTimeout: 0,
    keepAlive: KEPT_ALIVE_EVERY_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: pauseBefore,
    // A former primary, after a fail-over behind the same name.
    reconnectOnError: (error) => reasonOf(error) === 'READONLY',
    ...options,
  })
}

/** Grows to two seconds, and differs from process to process. */
function pauseBefore(attempt: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(attempt, 10))
  return longest / 2 + Math.random() * (longest / 2)
}

/**
 * Why something failed, in one word: the system's code, or the first word of what the server said
 * (`NOAUTH`, `READONLY`). The errors themselves hold commands, and so the password.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error) || 'code' in error) return errorCode(error)
  if (error.name === 'ReplyError') return /^[A-Z]{2,30}\b/.exec(error.message)?.[0] ?? 'refused'
  return /timed? ?out/i.test(error.message) ? 'timeout' : 'disconnected'
}
