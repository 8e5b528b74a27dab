import { type DestinationStream, type Logger, pino, stdTimeFunctions, symbols } from 'pino'

export type { Logger } from 'pino'

/**
 * A logger: JSON lines, written in the order they were made.
 *
 * Nothing is redacted here: no caller is ever handed a token, code, secret or cookie to log, and
 * errors are logged by `errorSummary`, never as objects that may hold a request.
 *
 * @param level a pino level name
 * @param sink where lines go
 */
export function createLogger(level: string, sink: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  )
}

/** Whole lines past a logger: to where its own lines go, where its level lets them. */
export interface LineSink {
  takes(level: 'debug' | 'info'): boolean
  write(line: string): void
}

/**
 * For lines that are written once or twice for each call, which pino would make in three times the
 * time.
 */
export function lineSink(logger: Logger): LineSink {
  const stream = (logger as Logger & { [symbols.streamSym]: DestinationStream })[symbols.streamSym]
  return {
    takes: (level) => logger.isLevelEnabled(level),
    write: (line) => stream.write(line),
  }
}

/**
 * An error in a few words for a log line: its code and message, and those of its cause.
 * Not its stack, nor any further property: libraries hang requests and bodies on errors.
 */
export function errorSummary(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error'
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : ''
  const cause = error.cause instanceof Error ? ` (${errorSummary(error.cause)})` : ''
  return `${code}${error.message}${cause}`.slice(0, 500)
}
