import type { LoggingLevel } from '@modelcontextprotocol/server'
import { LRUCache } from 'lru-cache'
import { atMost } from '../../at-most.ts'

const MOST_SESSIONS = 20_000

/** How severe a message of each level is (RFC 5424 §6.2.1, as MCP names them). */
const SEVERITY: Readonly<Record<LoggingLevel, number>> = {
  debug: 0,
  info: 1,
  notice: 2,
  warning: 3,
  error: 4,
  critical: 5,
  alert: 6,
  emergency: 7,
}

export function isLogLevel(value: unknown): value is LoggingLevel {
  return typeof value === 'string' && Object.hasOwn(SEVERITY, value)
}

/** @param least the level that was asked for */
export function isSevereEnough(level: LoggingLevel, least: LoggingLevel): boolean {
  return SEVERITY[level] >= SEVERITY[least]
}

/**
 * From which level on each session wants log messages (`logging/setLevel`, revisions up to 2025-11-25).
 * In memory: at another replica, or after a restart, it is as if nothing had been asked for.
 */
export class LogLevels {
  readonly #levels = new LRUCache<string, LoggingLevel>(atMost(MOST_SESSIONS))

  /** @param session bound to its user; empty: none, and then there is nothing to keep it by */
  set(session: string, level: LoggingLevel): void {
    if (session !== '') this.#levels.set(session, level)
  }

  get(session: string): LoggingLevel | undefined {
    return session === '' ? undefined : this.#levels.get(session)
  }
}
