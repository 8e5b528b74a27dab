import { systemClock } from '../clock.ts'
import type { Logger } from '../observe/logger.ts'
import { type Tracing, unservedTracing, wantsTraces } from '../observe/tracing/tracing.ts'
import { version } from '../version.ts'

/**
 * Tracing, where OpenTelemetry's variables ask for it. Its SDK is loaded only then.
 *
 * @returns nothing without them
 */
export async function tracingOf(
  environment: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Promise<Tracing | undefined> {
  if (!wantsTraces(environment)) return undefined
  const unserved = unservedTracing(environment)
  if (unserved !== undefined) log.warn({ kind: 'tracing' }, unserved)
  const { openTelemetry } = await import('../observe/tracing/open-telemetry.ts')
  return openTelemetry({ version, log, clock: systemClock })
}
