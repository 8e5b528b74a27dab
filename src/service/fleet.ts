import { ClusterHealth } from '../fleet/calls/cluster-health.ts'
import type { FleetRouteParts } from '../http/routes/fleet.ts'
import type { ResourceParts } from '../http/routes/resource.ts'
import type { KeyRing } from '../sealing/derived-keys.ts'
import type { ServiceContext } from './generation.ts'

/**
 * Builds the fleet's endpoint. The MCP SDK is loaded only where there is a fleet.
 *
 * @param served the fleet as clients sign in for it
 * @param resources its clusters, in the order of the configuration
 */
export async function createFleet(
  served: Omit<FleetRouteParts, 'endpoint'>,
  resources: readonly ResourceParts[],
  parts: Pick<ServiceContext, 'upstreams' | 'clock' | 'version'> & {
    readonly fansOut: boolean
    readonly cursorKeys: KeyRing
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
    health: new ClusterHealth(),
  }))
  const { requestLog } = served
  const endpoint = fleetEndpoint(new Fleet({ ...parts, requestLog, members: used }))
  return {
    ...served,
    endpoint: {
      ...endpoint,
      async close() {
        await endpoint.close()
        await Promise.all(used.map(({ release }) => release()))
      },
    },
  }
}
