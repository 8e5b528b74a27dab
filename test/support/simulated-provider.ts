import type { TestContext } from 'node:test'
import type { IdentityProviderConfig, OidcConfig } from '../../src/config/config.ts'
import {
  createIdentityProvider,
  type IdentityProvider,
} from '../../src/issuer/identity-provider.ts'
import type { IssuerEvent } from '../../src/issuer/issuer-event.ts'
import { createBoundedFetch } from '../../src/net/bounded-fetch.ts'
import { DocumentError } from '../../src/net/document-error.ts'
import { SimulatedClock } from './clock.ts'
import { OIDC_DEFAULTS } from './defaults.ts'
import {
  type IssuerServer,
  type SigningKey,
  signingKey,
  startIssuerServer,
} from './issuer-server.ts'

/** The product's identity provider side over a real server, on a simulated clock. */
export interface Simulation {
  readonly clock: SimulatedClock
  readonly server: IssuerServer
  readonly key: SigningKey
  readonly provider: IdentityProvider
  readonly events: IssuerEvent[]
  /**
   * What happens to every fetch without a socket: it fails at once (for outages of a day), or it
   * gets no answer in the 5 s that it has.
   */
  fault: 'none' | 'refused' | 'hanging'
  /** Until no fetch is under way. */
  settled(): Promise<void>
  /** The simulated time in seconds. */
  now(): number
}

export interface SimulationOptions {
  readonly issuerPath?: string
  readonly isOnLoopback?: boolean
  /** Changes the configuration; the default is an oidc provider with RS256 and 24 h. */
  configure?(server: IssuerServer): Partial<OidcConfig> | IdentityProviderConfig
}

/** Everything set up and not started; closed after the test. */
export async function simulate(
  t: TestContext,
  options: SimulationOptions = {},
): Promise<Simulation> {
  const key = await signingKey('first')
  const server = await startIssuerServer([key], options.issuerPath)
  const clock = new SimulatedClock()
  const events: IssuerEvent[] = []
  const connection = createBoundedFetch({ clock })
  let begun = 0
  let ended = 0
  let told: () => void = () => undefined
  const config = { ...OIDC_DEFAULTS, issuer: server.issuer, ...options.configure?.(server) }
  const provider = createIdentityProvider(config as IdentityProviderConfig, {
    clock,
    isOnLoopback: options.isOnLoopback ?? true,
    async fetch(url, init) {
      const { fault } = simulation
      if (fault === 'hanging') await new Promise<void>((end) => clock.after(5_000, end))
      begun += 1
      if (fault !== 'none') throw new DocumentError('unreachable', 'fault')
      return connection.fetch(url, init)
    },
    onEvent(event) {
      events.push(event)
      if (event.kind === 'keys_changed') return
      if (event.kind === 'fetched' || event.reason !== 'no_discovery') ended += 1
      told()
    },
  })
  async function settled() {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (begun === ended) return
      await new Promise<void>((resolve) => {
        told = resolve
      })
    }
  }
  clock.settleWith(settled)
  t.after(async () => {
    provider.stop()
    connection.close()
    await server.close()
  })
  const now = () => Math.floor(clock.now() / 1000)
  const simulation: Simulation = {
    clock,
    server,
    key,
    provider,
    events,
    fault: 'none',
    settled,
    now,
  }
  return simulation
}

/** The same, started and with its keys there. */
export async function simulateWarm(
  t: TestContext,
  options: SimulationOptions = {},
): Promise<Simulation> {
  const simulation = await simulate(t, options)
  simulation.provider.start()
  await simulation.settled()
  return simulation
}
