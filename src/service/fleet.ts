import type { Config } from '../config/config.ts'
import { ClusterHealth } from '../fleet/calls/cluster-health.ts'
import type { FleetParts } from '../fleet/fleet.ts'
import type { FleetRouteParts } from '../http/routes/fleet.ts'
import type { ResourceParts } from '../http/routes/resource.ts'
import type { ServiceContext } from './generation.ts'

/** How the clusters of the fleet fare, by their names. */
export type ClusterHealths = ReadonlyMap<string, ClusterHealth>

/**
 * Of those whose address a reload leaves as it was, what was known counts on.
 *
 * @param before the configuration that this one follows
 */
export function clusterHealths(
  { fleet, resources }: Config,
  before?: { readonly config: Config; readonly clusters: ClusterHealths },
): ClusterHealths {
  const upstreams = new Map(before?.config.resources.map(({ name, upstream }) => [name, upstream]))
  const members = resources.filter(({ name }) => fleet?.members.includes(name))
  return new Map(
    members.map(({ name, upstream }) => {
      const known = upstreams.get(name) === upstream ? before?.clusters.get(name) : undefined
      return [name, known ?? new ClusterHealth()]
    }),
  )
}

/**
 * Builds the fleet's endpoint. The MCP SDK is loaded only where there is a fleet.
 *
 * @param served the fleet as clients sign in for it
 * @param resources its clusters, in the order of the configuration
 */
export async function createFleet(
  served: Omit<FleetRouteParts, 'endpoint' | 'close'>,
  resources: readonly ResourceParts[],
  parts: Pick<ServiceContext, 'upstreams' | 'clock' | 'version' | 'metrics'> &
    Pick<FleetParts, 'fansOut' | 'cursorKeys' | 'questionKeys' | 'state'> & {
      readonly clusters: ClusterHealths
    },
): Promise<FleetRouteParts> {
  const [{ Fleet }, { fleetEndpoint }] = await Promise.all([
    import('../fleet/fleet.ts'),
    import('../fleet/fleet-server.ts'),
  ])
  const used = resources.map(({ resource, access }) => ({
    resource,
    access,
    ...parts.upstreams.use(resource),
    health: parts.clusters.get(resource.name) ?? new ClusterHealth(),
  }))
  const { requestLog } = served
  const fleet = new Fleet({ ...parts, requestLog, members: used })
  parts.state.built(fleet)
  return {
    ...served,
    endpoint: fleetEndpoint(fleet),
    // What is under way, streams too, ends as it began: a reload cuts nothing.
    async close() {
      await Promise.all(used.map(({ release }) => release()))
    },
  }
}
