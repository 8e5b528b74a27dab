import type { Cluster } from '../../environment/cluster/cluster.ts'
import { clusterContents, type TeamGroups } from '../../environment/cluster/contents.ts'
import { startRealCluster } from '../../environment/cluster/real/real.ts'
import { aksServerId } from '../../environment/mock-entra/directory.ts'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'

/**
 * Starts a real API server that takes the mock's tokens for AKS, with a namespace for each team.
 *
 * @param adminToken the administrator's bearer. Default: one that nobody is told
 */
export function startTrustingCluster(
  { origin, tenantId }: MockEntra,
  groups: TeamGroups,
  adminToken?: string,
): Promise<Cluster> {
  return startRealCluster({
    ...(adminToken !== undefined && { adminToken }),
    identityProvider: {
      discoveryUrl: `${origin}/${tenantId}/.well-known/openid-configuration`,
      jwksUri: `${origin}/common/discovery/keys`,
      issuer: `https://sts.windows.net/${tenantId}/`,
      audience: aksServerId,
      tenantId,
    },
    contents: clusterContents(groups),
  })
}
