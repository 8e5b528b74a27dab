import type { LineWriter } from './line-writer.ts'
import { createLogger, type Logger } from './logger.ts'

/** The process's lines. Three loggers with one destination, which differ in what is lost first. */
export interface ProcessLog {
  readonly log: Logger
  /** For request lines: left out first when nobody reads. */
  readonly requests: Logger
  /** For audit lines: handed to the operating system at once. */
  readonly audit: Logger
  /** Resolves when every line so far is with the operating system; rejects when the last is not. */
  written(): Promise<void>
  /** How many lines were lost. */
  lost(): Readonly<Record<'request' | 'other', number>>
  setLevel(level: string): void
}

/**
 * The lines of a process on standard output.
 *
 * @param level a pino level name
 */
export function createProcessLog(level: string, writer: LineWriter): ProcessLog {
  const log = createLogger(level, writer.stream('other'))
  const requests = createLogger(level, writer.stream('request'))
  const audit = createLogger(level, writer.stream('audit'))
  writer.tellLosses(({ request, other, failure }) => {
    const lost = { request_lines: request, other_lines: other, reason: failure ?? 'log_not_read' }
    log.warn({ kind: 'log_lines_lost', ...lost }, 'lines were left out of the log')
  })
  return {
    log,
    requests,
    audit,
    written: () => writer.written(),
    lost: () => writer.lost,
    setLevel(next) {
      for (const logger of [log, requests, audit]) logger.level = next
    },
  }
}

/** All lines through one logger, whose destination loses nothing. */
export function plainProcessLog(log: Logger): ProcessLog {
  return {
    log,
    requests: log,
    audit: log,
    written: () => Promise.resolve(),
    lost: () => ({ request: 0, other: 0 }),
    setLevel(level) {
      log.level = level
    },
  }
}
