import {
  type Attributes,
  type Context,
  DiagLogLevel,
  defaultTextMapGetter,
  defaultTextMapSetter,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { Clock } from '../../clock.ts'
import { LogRateLimit } from '../log-rate-limit.ts'
import type { Logger } from '../logger.ts'
import type { ClusterSpan, RequestRecord, RequestTrace } from '../record.ts'
import type { Tracing } from './tracing.ts'

const STOPPED_WITHIN_MS = 2_000

export interface OpenTelemetryParts {
  readonly version: string
  readonly log: Logger
  readonly clock: Clock
}

/**
 * Traces by OpenTelemetry's SDK, which reads its own environment variables: where to, as which
 * service, sampled how, in batches how large. This module is loaded only where they ask for it
 * (`wantsTraces`): the SDK costs start time and memory. Nothing is registered globally, so that no
 * library begins to trace by itself. No span names a user, or holds a token, an argument or a query.
 */
export function openTelemetry({ version, log, clock }: OpenTelemetryParts): Tracing {
  tellTroubles(log, clock)
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'rolecall',
      'service.version': version,
    }).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  })
  const tracer = provider.getTracer('rolecall', version)
  const propagator = new W3CTraceContextPropagator()
  return {
    begin: (headers) =>
      new OpenTelemetryTrace(
        tracer,
        propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter),
      ),
    async stop() {
      const late = new Promise<void>((resolve) => {
        setTimeout(resolve, STOPPED_WITHIN_MS).unref()
      })
      await Promise.race([provider.shutdown().catch(() => undefined), late])
    },
  }
}

/** What the SDK has to tell, such as a collector that is away: the first line, so many a minute. */
function tellTroubles(log: Logger, clock: Clock): void {
  const budget = new LogRateLimit(clock, (left) => {
    log.info({ kind: 'tracing', not_logged: left }, 'troubles of tracing were not all logged')
  })
  const tell = (message: string): void => {
    const [reason = ''] = message.split('\n')
    if (budget.spend()) log.warn({ kind: 'tracing', reason: reason.slice(0, 300) }, 'tracing')
  }
  const ignore = (): void => undefined
  diag.setLogger(
    { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}

const propagator = new W3CTraceContextPropagator()

class OpenTelemetryTrace implements RequestTrace {
  readonly #tracer: Tracer
  readonly #context: Context
  readonly #span: Span
  #forward: Span | undefined

  constructor(tracer: Tracer, parent: Context) {
    this.#tracer = tracer
    this.#span = tracer.startSpan('request', { kind: SpanKind.SERVER }, parent)
    this.#context = trace.setSpan(parent, this.#span)
  }

  get traceId(): string {
    return this.#span.spanContext().traceId
  }

  forward(): Readonly<Record<string, string>> {
    const span = this.#tracer.startSpan('forward', { kind: SpanKind.CLIENT }, this.#context)
    this.#forward = span
    return this.#headersOf(span)
  }

  callCluster(cluster: string, method: string): ClusterSpan {
    const attributes = { 'rolecall.cluster': cluster, 'mcp.method.name': method }
    const options = { kind: SpanKind.CLIENT, attributes }
    const span = this.#tracer.startSpan('forward', options, this.#context)
    return {
      headers: this.#headersOf(span),
      answered: (status) => span.setAttribute('http.response.status_code', status),
      end(outcome) {
        span.setAttribute('rolecall.outcome', outcome)
        if (!ANSWERED.has(outcome)) span.setStatus({ code: SpanStatusCode.ERROR })
        span.end()
      },
    }
  }

  #headersOf(span: Span): Readonly<Record<string, string>> {
    const headers: Record<string, string> = {}
    propagator.inject(trace.setSpan(this.#context, span), headers, defaultTextMapSetter)
    return headers
  }

  step(name: string, record: RequestRecord, attributes: Attributes): void {
    const options = { startTime: record.began, attributes }
    this.#tracer.startSpan(`sign-in ${name}`, options, this.#context).end()
  }

  end(record: RequestRecord, status: number): void {
    this.#judged(record)
    this.#forwarded(record)
    const { http_method, path, resource, decision, reason, outcome } = record
    this.#span.updateName(resource === undefined ? http_method : `${http_method} ${path}`)
    this.#span.setAttributes({
      'http.request.method': http_method,
      'url.path': path,
      'http.response.status_code': status,
      'rolecall.request_id': record.request_id,
      'rolecall.decision': decision,
      ...(resource !== undefined && { 'rolecall.resource': resource, 'rolecall.outcome': outcome }),
      ...(reason !== undefined && { 'rolecall.reason': reason }),
      ...calledBy(record),
    })
    if (status >= 500) this.#span.setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end()
  }

  #judged({ began, judged_at }: RequestRecord): void {
    if (judged_at === 0) return
    this.#tracer.startSpan('judge', { startTime: began }, this.#context).end(judged_at)
  }

  #forwarded({ answered_at, upstream_status, outcome, resource = '' }: RequestRecord): void {
    const span = this.#forward
    if (span === undefined) return
    span.setAttributes({
      'rolecall.resource': resource,
      'rolecall.outcome': outcome,
      ...(upstream_status !== undefined && { 'http.response.status_code': upstream_status }),
    })
    const failed = upstream_status === undefined || upstream_status >= 500
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(answered_at === 0 ? undefined : answered_at)
  }
}

/** An error that a server answers with is none of the way to it. */
const ANSWERED: ReadonlySet<string> = new Set(['ok', 'tool_error', 'rpc_error'])

/** Of a batch the first: attributes must not grow with a body. */
function calledBy({ methods, calls }: RequestRecord): Attributes {
  const [method] = methods
  const [call] = calls
  return {
    ...(method !== undefined && { 'mcp.method.name': method }),
    ...(call !== undefined && { 'gen_ai.tool.name': call.tool }),
  }
}
