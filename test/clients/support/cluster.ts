import type { Cluster } from '../../../src/demo/cluster/cluster.ts'
import { clusterContents } from '../../../src/demo/cluster/contents.ts'
import { startStandInCluster } from '../../../src/demo/cluster/stand-in.ts'
import { aksServerId } from '../../../src/demo/mock-entra/directory.ts'
import type { MockEntra } from '../../../src/demo/mock-entra/mock-entra.ts'

/** A stand-in cluster that trusts this mock alone, where team-a and team-b have what is theirs. */
export function startCluster({ origin, tenantId, people }: MockEntra): Promise<Cluster> {
  const idOf = (team: string): string => {
    const group = people.groups.find(({ name }) => name === team)
    if (group === undefined) throw new Error(`no group ${team} in the people's file`)
    return group.id
  }
  return startStandInCluster({
    identityProvider: {
      jwksUri: `${origin}/common/discovery/keys`,
      issuer: `https://sts.windows.net/${tenantId}/`,
      audience: aksServerId,
      tenantId,
    },
    contents: clusterContents({ 'team-a': idOf('team-a'), 'team-b': idOf('team-b') }),
  })
}
