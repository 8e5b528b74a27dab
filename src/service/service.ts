import { setTimeout as delay } from 'node:timers/promises'
import { stillPermitted } from '../access/still-permitted.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { Config, ListenAddress } from '../config/config.ts'
import type { Problem } from '../config/report/problem.ts'
import { FleetState } from '../fleet/fleet-state.ts'
import { OpenExchanges, type StreamJudge } from '../forward/open-exchanges.ts'
import { SharedUpstreams } from '../forward/upstream/shared-upstreams.ts'
import { createAdmin, type Readiness } from '../http/admin.ts'
import { BufferedBytes } from '../http/buffered-bytes.ts'
import { type Listener, listen } from '../http/listener.ts'
import { isLoopbackHost } from '../net/loopback.ts'
import { type AuditFile, AuditOutput, openAuditFile } from '../observe/audit-file.ts'
import { errorSummary, type Logger } from '../observe/logger.ts'
import type { LimitName } from '../observe/metrics/limits-reached.ts'
import { createMetrics } from '../observe/metrics/metrics.ts'
import { observeReadings, type Readings } from '../observe/metrics/readings.ts'
import { type ProcessLog, plainProcessLog } from '../observe/process-log.ts'
import { RecentEvents } from '../observe/recent/recent-events.ts'
import type { Tracing } from '../observe/tracing/tracing.ts'
import {
  createMetadataDocuments,
  createMetadataFetch,
  type MetadataFetch,
} from '../sign-in/clients/metadata-cache.ts'
import { EndedSessions } from '../sign-in/sessions/ended-sessions.ts'
import { createGeneration, type Generation, type ServiceContext } from './generation.ts'
import { closeMemory } from './memory.ts'
import { statusOf } from './status.ts'

/** A running rolecall. */
export interface Service {
  readonly address: ListenAddress
  readonly adminAddress: ListenAddress
  readonly readiness: () => Readiness
  /** Puts another configuration to work; requests under way end under the old one. */
  reload(config: Config, warnings?: readonly Problem[]): Promise<void>
  /** Tells that another configuration was read and cannot be used; the one in force stays. */
  refuseReload(problems: readonly Problem[]): void
  /**
   * Stops within `shutdown_delay` and `shutdown_grace`: not ready but serving, then calls finish
   * and streams end.
   *
   * @param atOnce ends the waiting
   */
  stop(atOnce: AbortSignal): Promise<void>
}

export interface ServiceOptions {
  readonly log: Logger
  /** The loggers of requests, where lines can be lost. Default: `log` for all. */
  readonly lines?: ProcessLog
  readonly version: string
  /** What the configuration was warned of, for the status page. */
  readonly warnings?: readonly Problem[]
  readonly clock?: Clock
  /** Absent: no traces are asked for. */
  readonly tracing?: Tracing | undefined
  /** Whether to ask every upstream as whom it acts. Default true; tests count requests. */
  readonly probesUpstreams?: boolean
  /** How metadata documents of clients are fetched; tests have theirs on loopback. */
  readonly fetchMetadata?: MetadataFetch
}

/**
 * Starts everything and listens; never waits for the identity provider.
 *
 * @throws the system's error when an address cannot be had
 */
export async function startService(config: Config, options: ServiceOptions): Promise<Service> {
  const context = serviceContext(config, options)
  const { log, metrics, clock, audit, exchanges } = context
  let stopping = false
  let current = await createGeneration(config, context)
  const judgeStreams = () => exchanges.judgeBy(judgedBy(current, clock))
  judgeStreams()
  // The streams of a session end with it.
  context.ended.onEnd(judgeStreams)
  const readiness = () => readinessOf(current, stopping)
  observeReadings(
    metrics,
    readingsOf(context, () => current),
  )
  const admin = createAdmin({
    registry: metrics.registry,
    readiness,
    status: () => statusOf(current, context, readiness()),
    isLoopback: isLoopbackHost(config.admin_listen.host),
  })
  await admin.ready()
  const [listener, adminListener] = await listenOnBoth(config, context).catch(
    async (error: unknown) => {
      await close(current)
      throw error
    },
  )
  adminListener.handWith((request, response) => admin.routing(request, response))
  listener.handWith((request, response) => {
    current.underWay.add(response)
    current.app.routing(request, response)
  })

  return {
    address: listener.address,
    adminAddress: adminListener.address,
    readiness,
    async reload(next, warnings = []) {
      const before = current
      const { file, replacement } = await replace(next, before, context)
      current = replacement
      context.operation.warnings = warnings
      void audit.replace(file)
      judgeStreams()
      context.fleetState.reloaded()
      if (next.tls) listener.renewCertificate(next.tls)
      // Not waited for: it closes when the last stream of the old configuration ends.
      close(before, replacement).catch((error: unknown) => {
        log.error(
          { kind: 'error', reason: errorSummary(error) },
          'the old configuration did not close',
        )
      })
    },
    refuseReload: (problems) => reloadEnded('refused', context, problems),
    async stop(atOnce) {
      stopping = true
      current.stopProbes()
      await pause(current.config.shutdown_delay, atOnce)
      await drain(listener, exchanges, { grace: current.config.shutdown_grace, atOnce })
      await context.fleetState.stop()
      await close(current)
      await audit.replace(undefined)
      await context.tracing?.stop()
      adminListener.endConnections()
      await adminListener.stop()
      await admin.close()
    },
  }
}

/** Builds the next generation, and counts whether that went well. */
async function replace(config: Config, before: Generation, context: ServiceContext) {
  let file: AuditFile | undefined
  try {
    file = auditFileOf(config, context.log)
    const replacement = await createGeneration(config, context, before)
    await untilReady(replacement)
    reloadEnded('done', context)
    return { file, replacement }
  } catch (error) {
    await file?.close()
    const remedy = 'The log says more; mend it and send SIGHUP.'
    const message = `could not be put to work: ${errorSummary(error)}`
    reloadEnded('failed', context, [{ key: 'configuration', message, remedy }])
    throw error
  }
}

function reloadEnded(
  outcome: 'done' | 'refused' | 'failed',
  { metrics, operation, clock }: ServiceContext,
  problems: readonly Problem[] = [],
): void {
  metrics.reloads.inc({ outcome })
  metrics.configurationCurrent.set(outcome === 'done' ? 1 : 0)
  operation.refused = outcome === 'done' ? undefined : { at: clock.now(), what: problems }
}

function readingsOf(
  { bodies, exchanges, lines, operation }: ServiceContext,
  current: () => Generation,
): Readings {
  return {
    bufferedBytes: () => bodies.held,
    openCalls: () => exchanges.calls,
    openStreams: () => exchanges.streams,
    lostLines: () => lines.lost(),
    cachedTokens: () => current().provider.verifier.cachedTokens(),
    provider: () => current().provider.status(),
    storeIsUp: () =>
      current().memory.store.shared ? operation.storeAway === undefined : undefined,
    certificateEnds: () => current().certificateEnds,
    clustersLeftAlone: () =>
      [...current().clusters].map(([name, { isLeftAlone }]) => [name, isLeftAlone]),
  }
}

function auditFileOf({ audit }: Config, log: Logger): AuditFile | undefined {
  return audit.file === undefined ? undefined : openAuditFile(audit.file, log)
}

/** Of the cluster's own: probes, Prometheus, a port-forward. */
const ADMIN_CONNECTIONS = 100

async function listenOnBoth(
  config: Config,
  context: ServiceContext,
): Promise<readonly [Listener, Listener]> {
  const { listen: address, admin_listen: adminAddress, tls, limits } = config
  const onLimit = (limit: LimitName): void => {
    context.metrics.limitsReached.inc({ limit })
    context.recent.limits.note({ limit }, context.clock.now())
  }
  const listener = await listen(address, { config, tls, onLimit })
  try {
    const forAdmin = { ...config, limits: { ...limits, connections: ADMIN_CONNECTIONS } }
    return [listener, await listen(adminAddress, { config: forAdmin, onLimit })]
  } catch (error) {
    await listener.stop()
    throw error
  }
}

/** What outlives every configuration. */
function serviceContext(config: Config, options: ServiceOptions): ServiceContext {
  const { log, version, clock = systemClock, probesUpstreams = true } = options
  const { fetchMetadata = createMetadataFetch({ clock }) } = options
  return {
    log,
    lines: options.lines ?? plainProcessLog(log),
    audit: new AuditOutput(auditFileOf(config, log)),
    metrics: createMetrics(version),
    recent: new RecentEvents(),
    tracing: options.tracing,
    operation: {
      startedAt: clock.now(),
      warnings: options.warnings ?? [],
      proofs: new Map(),
    },
    upstreams: new SharedUpstreams(),
    exchanges: new OpenExchanges(clock),
    fleetState: new FleetState(clock),
    ended: new EndedSessions(clock),
    bodies: new BufferedBytes(),
    documents: createMetadataDocuments({ clock, fetch: fetchMetadata }),
    clock,
    version,
    probesUpstreams,
  }
}

/** Whether a generation would open a stream anew that was opened before it. */
function judgedBy({ accesses }: Generation, clock: Clock): StreamJudge {
  return (resource, authorization) => {
    const access = accesses.get(resource)
    return access !== undefined && stillPermitted(authorization, access, () => clock.now())
  }
}

/**
 * Ends a generation once nothing needs it any more, but for what its successor took over: a request
 * whose body is still arriving ends on what it began with.
 */
async function close(generation: Generation, successor?: Generation): Promise<void> {
  generation.stopProbes()
  await generation.underWay.none()
  if (generation.provider !== successor?.provider) generation.provider.stop()
  await generation.app.close()
  closeMemory(generation.memory, successor?.memory)
}

function readinessOf({ provider }: Generation, stopping: boolean): Readiness {
  if (stopping) return { ready: false, reason: 'stopping' }
  const { ready, reason } = provider.status()
  if (ready) return { ready: true }
  return { ready: false, reason: `no keys of the identity provider yet: ${reason ?? 'fetching'}` }
}

const READY_WITHIN_MS = 10_000
const READY_STEP_MS = 50

/** A new provider's keys are waited for a while: the configuration before still serves. */
async function untilReady({ provider }: Generation): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  while (!provider.status().ready && performance.now() < deadline) await delay(READY_STEP_MS)
}

const DRAIN_STEP_MS = 250

/** Until the last request has ended, or the grace has; streams are ended as they appear. */
async function drain(
  listener: Listener,
  exchanges: OpenExchanges,
  bounds: { readonly grace: number; readonly atOnce: AbortSignal },
): Promise<void> {
  let closed = false
  const closing = listener.stop().then(() => {
    closed = true
  })
  const deadline = performance.now() + bounds.grace
  while (!closed && !bounds.atOnce.aborted && performance.now() < deadline) {
    exchanges.endStreams()
    listener.closeIdle()
    await Promise.race([closing, pause(DRAIN_STEP_MS, bounds.atOnce)])
  }
  listener.endConnections()
  await closing
}

async function pause(milliseconds: number, atOnce: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal: atOnce }).catch(() => undefined)
}
