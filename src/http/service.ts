import { setTimeout as delay } from 'node:timers/promises'
import { type Clock, systemClock } from '../clock.ts'
import type { Config, ListenAddress } from '../config/config.ts'
import { OpenStreams } from '../forward/open-streams.ts'
import { type Logger, reasonOf } from '../observe/logger.ts'
import { createMetrics, observeReadings } from '../observe/metrics.ts'
import { createAdmin, type Readiness } from './admin.ts'
import { createDeployment, type Deployment, type Surroundings } from './deployment.ts'
import { type Listener, listen } from './listener.ts'

/** A running rolecall. */
export interface Service {
  readonly address: ListenAddress
  readonly adminAddress: ListenAddress
  readonly readiness: () => Readiness
  /** Puts another configuration to work; requests under way end under the old one. */
  reload(config: Config): Promise<void>
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
  readonly version: string
  readonly clock?: Clock
  /** Whether to ask every upstream as whom it acts. Default true; tests count requests. */
  readonly probesUpstreams?: boolean
}

/**
 * Starts everything and listens; never waits for the identity provider.
 *
 * @throws the system's error when an address cannot be had
 */
export async function startService(config: Config, options: ServiceOptions): Promise<Service> {
  const { log, version, clock = systemClock, probesUpstreams = true } = options
  const streams = new OpenStreams(clock)
  const metrics = createMetrics(version)
  const around: Surroundings = { log, metrics, streams, clock, version, probesUpstreams }
  let stopping = false
  let current: Deployment | undefined

  const readiness = (): Readiness => readinessOf(current, stopping)
  const admin = createAdmin(metrics.registry, readiness)
  await admin.ready()
  const listener = await listen(config.listen, config.limits, config.tls)
  let adminListener: Listener
  try {
    adminListener = await listen(config.admin_listen, config.limits)
  } catch (error) {
    listener.endConnections()
    await listener.stop()
    throw error
  }
  adminListener.handWith((request, response) => admin.routing(request, response))
  const deployment = await createDeployment(config, around)
  current = deployment
  listener.handWith((request, response) => deployment.app.routing(request, response))
  observeReadings(metrics, {
    openStreams: () => streams.size,
    cachedTokens: () => current?.provider.verifier.cachedTokens() ?? 0,
    keysFetchedAt: () => current?.provider.status().keysFetchedAt,
  })

  return {
    address: listener.address,
    adminAddress: adminListener.address,
    readiness,
    async reload(next) {
      const before = current
      const replacement = await createDeployment(next, around, before)
      current = replacement
      listener.handWith((request, response) => replacement.app.routing(request, response))
      if (next.tls) listener.renewCertificate(next.tls)
      if (before === undefined) return
      before.stopProbes()
      if (before.provider !== replacement.provider) before.provider.stop()
      // Not waited for: it closes when the last stream of the old configuration ends.
      before.app.close().catch((error: unknown) => {
        log.error({ kind: 'error', reason: reasonOf(error) }, 'the old configuration did not close')
      })
    },
    async stop(atOnce) {
      stopping = true
      current?.stopProbes()
      await pause(current?.config.shutdown_delay ?? 0, atOnce)
      await drain(listener, streams, { grace: current?.config.shutdown_grace ?? 0, atOnce })
      current?.provider.stop()
      await current?.app.close()
      adminListener.endConnections()
      await adminListener.stop()
      await admin.close()
    },
  }
}

function readinessOf(current: Deployment | undefined, stopping: boolean): Readiness {
  if (stopping) return { ready: false, reason: 'stopping' }
  if (current === undefined) return { ready: false, reason: 'starting' }
  const { ready, reason } = current.provider.status()
  if (ready) return { ready: true }
  return { ready: false, reason: `no keys of the identity provider yet: ${reason ?? 'fetching'}` }
}

const DRAIN_STEP = 250

/** Until the last request has ended, or the grace has; streams are ended as they appear. */
async function drain(
  listener: Listener,
  streams: OpenStreams,
  bounds: { readonly grace: number; readonly atOnce: AbortSignal },
): Promise<void> {
  let closed = false
  const closing = listener.stop().then(() => {
    closed = true
  })
  const deadline = performance.now() + bounds.grace
  while (!closed && !bounds.atOnce.aborted && performance.now() < deadline) {
    streams.endAll()
    listener.closeIdle()
    await Promise.race([closing, pause(DRAIN_STEP, bounds.atOnce)])
  }
  listener.endConnections()
  await closing
}

async function pause(milliseconds: number, atOnce: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal: atOnce }).catch(() => undefined)
}
