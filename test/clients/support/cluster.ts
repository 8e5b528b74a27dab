import type { Cluster } from '../../environment/cluster/cluster.ts'
import { clusterContents, type Team } from '../../environment/cluster/contents.ts'
import type { KubeBinaries } from '../../environment/cluster/real/kube-binaries.ts'
import { startRealCluster } from '../../environment/cluster/real/real.ts'
import {
  type StandInOptions,
  startStandInCluster,
} from '../../environment/cluster/stand-in/stand-in.ts'
import { aksServerId } from '../../environment/mock-entra/directory.ts'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'

/** A stand-in cluster that trusts this mock alone, where team-a and team-b have what is theirs. */
export function startCluster(entra: MockEntra): Promise<Cluster> {
  return startStandInCluster(optionsFor(entra))
}

/** One where each of the two teams has what is the other's. */
export function startSwappedCluster(entra: MockEntra): Promise<Cluster> {
  return startStandInCluster(optionsFor(entra, { 'team-a': 'team-b', 'team-b': 'team-a' }))
}

/** The same with a real API server. */
export function startApiServer(entra: MockEntra, binaries: KubeBinaries): Promise<Cluster> {
  return startRealCluster({ ...optionsFor(entra), binaries })
}

const AS_NAMED: Readonly<Record<Team, Team>> = { 'team-a': 'team-a', 'team-b': 'team-b' }

/** @param groups which of the directory's groups has what is a team's */
function optionsFor({ origin, tenantId, people }: MockEntra, groups = AS_NAMED): StandInOptions {
  const idOf = (team: string): string => {
    const group = people.groups.find(({ name }) => name === team)
    if (group === undefined) throw new Error(`no group ${team} in the people's file`)
    return group.id
  }
  return {
    identityProvider: {
      discoveryUrl: `${origin}/${tenantId}/.well-known/openid-configuration`,
      jwksUri: `${origin}/common/discovery/keys`,
      issuer: `https://sts.windows.net/${tenantId}/`,
      audience: aksServerId,
      tenantId,
    },
    contents: clusterContents({
      'team-a': idOf(groups['team-a']),
      'team-b': idOf(groups['team-b']),
    }),
  }
}
