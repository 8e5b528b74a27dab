import type { Readiness } from '../http/admin.ts'
import type { Status, StoreState } from '../http/status/status.ts'
import { redisRemedy } from '../store/redis-remedies.ts'
import type { Generation, ServiceContext } from './generation.ts'

/** How everything fares now, for the status page. */
export function statusOf(
  { config, provider, memory, certificateEnds, clusters }: Generation,
  { recent, operation, exchanges, lines, clock, version }: ServiceContext,
  readiness: Readiness,
): Status {
  const now = clock.now()
  return {
    now,
    startedAt: operation.startedAt,
    version,
    publicUrl: config.public_url,
    readiness,
    provider: {
      ...provider.status(),
      issuer: provider.metadataIssuer(),
      staleFor: config.identity_provider.stale_for,
      credentialRefused: operation.credentialRefused,
    },
    resources: config.resources.map(({ name, path, upstream }) => ({
      name,
      path,
      upstream,
      contact: recent.upstreams.get(name),
      proof: operation.proofs.get(name),
    })),
    ...(config.fleet && {
      fleet: {
        path: config.fleet.resource.path,
        members: config.fleet.members.map((name) => ({
          name,
          isLeftAlone: clusters.get(name)?.isLeftAlone === true,
        })),
      },
    }),
    store: storeState(memory.store.shared, operation.storeAway),
    certificateEnds,
    configuration: operation,
    openCalls: exchanges.calls,
    openStreams: exchanges.streams,
    lostLines: lines.lost(),
    traffic: recent.traffic.minutes(now),
    refused: recent.refused.list(now),
    signInFailures: recent.signInFailures.list(now),
    limits: recent.limits.list(now),
  }
}

function storeState(isShared: boolean, away: ServiceContext['operation']['storeAway']): StoreState {
  if (!isShared) return { kind: 'none' }
  if (away === undefined) return { kind: 'redis' }
  const { at, what: reason } = away
  return { kind: 'redis', away: { at, what: { reason, remedy: redisRemedy(reason) } } }
}
