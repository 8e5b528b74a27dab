import type { FastifyInstance } from 'fastify'
import type { ResourceAccess } from '../access/authenticate.ts'
import { resourcePolicy } from '../access/policy.ts'
import type { Clock } from '../clock.ts'
import type { Config, ProtectedResource } from '../config/config.ts'
import { protectedResources } from '../config/protected-resources.ts'
import type { FleetState } from '../fleet/fleet-state.ts'
import type { OpenExchanges } from '../forward/open-exchanges.ts'
import type { SharedUpstreams } from '../forward/upstream/shared-upstreams.ts'
import type { BufferedBytes } from '../http/buffered-bytes.ts'
import { createIdentityProvider, type IdentityProvider } from '../issuer/identity-provider.ts'
import { isOnLoopback } from '../net/loopback.ts'
import type { AuditOutput } from '../observe/audit-file.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import type { ProcessLog } from '../observe/process-log.ts'
import type { RecentEvents } from '../observe/recent/recent-events.ts'
import type { Tracing } from '../observe/tracing/tracing.ts'
import { watchUpstreams } from '../proof/watch-upstreams.ts'
import { type DerivedKeys, deriveKeys } from '../sealing/derived-keys.ts'
import type { MetadataDocuments } from '../sign-in/clients/metadata-cache.ts'
import { sealedFor, takesSealedTokens } from '../sign-in/sealed/access-token-format.ts'
import { OpenedTokens } from '../sign-in/sealed/sealed-access-token.ts'
import type { EndedSessions } from '../sign-in/sessions/ended-sessions.ts'
import { sessionRefusals } from '../sign-in/sessions/refuse-session.ts'
import { type ClusterHealths, clusterHealths } from './fleet.ts'
import { createMemory, type Memory, type MemoryParts } from './memory.ts'
import { certificateEnds, type Operation } from './operation.ts'
import { reportIssuerEvent } from './provider-events.ts'
import { createPublicApp } from './public-app.ts'
import { reportStoreEvent } from './store-events.ts'
import { RequestsUnderWay } from './under-way.ts'

/** What outlives a reload of the configuration. */
export interface ServiceContext {
  readonly log: Logger
  readonly metrics: Metrics
  /** What the status page tells of the last hour. */
  readonly recent: RecentEvents
  readonly operation: Operation
  readonly upstreams: SharedUpstreams
  /** The bodies of all requests. */
  readonly bodies: BufferedBytes
  readonly lines: ProcessLog
  readonly audit: AuditOutput
  readonly exchanges: OpenExchanges
  /** What the fleet's sessions and calls share. */
  readonly fleetState: FleetState
  /** The metadata documents of clients. */
  readonly documents: MetadataDocuments
  /** The sessions that ended before their time. */
  readonly ended: EndedSessions
  /** Absent: no traces are asked for. */
  readonly tracing: Tracing | undefined
  readonly clock: Clock
  readonly version: string
  readonly probesUpstreams: boolean
}

/** One configuration at work. */
export interface Generation {
  readonly config: Config
  readonly provider: IdentityProvider
  readonly keys: DerivedKeys
  /** The sealed tokens that were opened with these keys. */
  readonly opened: OpenedTokens
  readonly memory: Memory
  readonly app: FastifyInstance
  readonly underWay: RequestsUnderWay
  /** How each resource judges tokens, by its name. */
  readonly accesses: ReadonlyMap<string, ResourceAccess>
  readonly clusters: ClusterHealths
  /** When the certificates end that the configuration names. */
  readonly certificateEnds: Readonly<Record<string, number>>
  /** Ends the asking as whom the upstreams act. */
  readonly stopProbes: () => void
}

/**
 * Builds everything that a configuration decides. What the one before still serves is taken over:
 * the identity provider with its keys and known tokens, when nothing about it changed, keys that
 * were made at start, so that a reload ends nobody's session, with what they opened, and the store.
 */
export async function createGeneration(
  config: Config,
  context: ServiceContext,
  before?: Generation,
): Promise<Generation> {
  const provider =
    before && sameProvider(before.config, config) ? before.provider : startProvider(config, context)
  const keys =
    before && sameSealingKeys(before.config, config) ? before.keys : deriveKeys(config.sealing_keys)
  const opened =
    before && keys === before.keys
      ? before.opened
      : new OpenedTokens(keys.for('access token'), context.clock)
  const memory = await createMemory({ config, keys }, memoryParts(context), before)
  const accesses = accessesOf(config, { provider, opened, memory, ended: context.ended })
  const clusters = clusterHealths(config, before)
  const app = await createPublicApp({ config, provider, keys, memory, accesses, clusters }, context)
  if (provider === before?.provider) provider.renewCredential(config.identity_provider.credential)
  const stopProbes = context.probesUpstreams ? probe(config, provider, context) : () => undefined
  return {
    config,
    provider,
    keys,
    opened,
    memory,
    app,
    underWay: new RequestsUnderWay(),
    accesses,
    clusters,
    certificateEnds: certificateEnds(config),
    stopProbes,
  }
}

/** How everything that clients sign in for judges tokens, by name. */
function accessesOf(
  config: Config,
  {
    provider,
    opened,
    memory,
    ended,
  }: Pick<Generation, 'provider' | 'opened' | 'memory'> & Pick<ServiceContext, 'ended'>,
): ReadonlyMap<string, ResourceAccess> {
  const names = memory.sessionNames
  const refuseSession = sessionRefusals({ signIn: config.sign_in, ended, names })
  const accessOf = (resource: ProtectedResource): ResourceAccess => ({
    verifier: provider.verifier,
    policy: resourcePolicy(resource, config.identity_provider, provider),
    ...(takesSealedTokens(config.sign_in) && {
      opener: opened.openerFor(sealedFor(resource, config), refuseSession),
    }),
  })
  return new Map(protectedResources(config).map((resource) => [resource.name, accessOf(resource)]))
}

function memoryParts(context: ServiceContext): MemoryParts {
  return { ...context, onStoreEvent: (event) => reportStoreEvent(event, context) }
}

function probe(config: Config, provider: IdentityProvider, context: ServiceContext): () => void {
  const { proofs } = context.operation
  proofs.clear()
  return watchUpstreams({
    ...context,
    onProof: (name, proof) => proofs.set(name, proof),
    resources: config.resources,
    tokens: () => ({
      issuer: provider.tokenIssuers().at(-1) ?? provider.metadataIssuer(),
      algorithm: config.identity_provider.signing_algorithms[0] ?? 'RS256',
      ...(provider.profile.tenant !== undefined && { tenant: provider.profile.tenant }),
    }),
  })
}

function startProvider(config: Config, context: ServiceContext): IdentityProvider {
  const provider = createIdentityProvider(config.identity_provider, {
    clock: context.clock,
    isOnLoopback: isOnLoopback(config),
    onEvent: (event) => reportIssuerEvent(event, context),
  })
  provider.start()
  return provider
}

/** But for the credential, which can be renewed. */
function sameProvider(one: Config, other: Config): boolean {
  const [before, now] = [one, other].map(({ identity_provider: { credential: _, ...rest } }) =>
    JSON.stringify(rest),
  )
  return before === now && isOnLoopback(one) === isOnLoopback(other)
}

function sameSealingKeys(one: Config, other: Config): boolean {
  return JSON.stringify(one.sealing_keys) === JSON.stringify(other.sealing_keys)
}
