import type { RequestTrace } from '../record.ts'

/** Makes the traces of requests. Absent where nobody asked for them. */
export interface Tracing {
  /**
   * Begins the trace of a request, or goes on with its client's (W3C Trace Context).
   *
   * @param headers of the request
   */
  begin(headers: Readonly<Record<string, unknown>>): RequestTrace
  /** Sends what waits, for a while at the most. */
  stop(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Whether OpenTelemetry's own variables ask for traces: an address to send them to, or the exporter by
 * name, whose default address is this machine's collector.
 */
export function wantsTraces(environment: Environment): boolean {
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return false
  const exporter = environment['OTEL_TRACES_EXPORTER']?.trim() ?? ''
  if (exporter !== '') return exporter === 'otlp'
  const addresses = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']
  return addresses.some((name) => (environment[name]?.trim() ?? '') !== '')
}

/** The variables that ask for something that is not done, in words. */
export function unservedTracing(environment: Environment): string | undefined {
  const protocol =
    environment['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? environment['OTEL_EXPORTER_OTLP_PROTOCOL']
  if (protocol === undefined || protocol === '' || protocol === 'http/protobuf') return undefined
  return "traces are sent by http/protobuf whatever OTEL_EXPORTER_OTLP_PROTOCOL says: let OTEL_EXPORTER_OTLP_ENDPOINT lead to the collector's port for it, usually 4318"
}
