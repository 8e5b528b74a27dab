import type { Writable } from 'node:stream'
import type { Cluster, ClusterIdentityProvider } from '../../test/environment/cluster/cluster.ts'
import { type ClusterContents, clusterContents } from '../../test/environment/cluster/contents.ts'
import { startRealCluster } from '../../test/environment/cluster/real/real.ts'
import { startStandInCluster } from '../../test/environment/cluster/stand-in/stand-in.ts'
import {
  type KubernetesMcpServer,
  startKubernetesMcpServer,
} from '../../test/environment/kubernetes-mcp-server.ts'
import { aksServerId } from '../../test/environment/mock-entra/directory.ts'
import type { MockEntra } from '../../test/environment/mock-entra/mock-entra.ts'
import { freePort } from '../../test/environment/ports.ts'
import { teamGroups } from './teams.ts'

/** The stand-in, or a real cluster by the way it trusts the identity provider. */
export type ClusterChoice = 'stand-in' | 'structured' | 'webhook'

/** The one place that knows which kinds of clusters there are. */
export function startCluster(
  choice: ClusterChoice,
  mock: MockEntra,
  where: {
    readonly port: number
    readonly auditLog?: Writable
    /** Default: what the first cluster of the demo has. */
    readonly contents?: ClusterContents
  },
): Promise<Cluster> {
  const identityProvider: ClusterIdentityProvider = {
    discoveryUrl: `${mock.origin}/${mock.tenantId}/.well-known/openid-configuration`,
    jwksUri: `${mock.origin}/common/discovery/keys`,
    issuer: `https://sts.windows.net/${mock.tenantId}/`,
    audience: aksServerId,
    tenantId: mock.tenantId,
  }
  const options = { contents: contentsFor(mock), ...where, identityProvider }
  if (choice === 'stand-in') return startStandInCluster(options)
  return startRealCluster({ ...options, trust: choice })
}

function contentsFor({ people }: MockEntra): ClusterContents {
  return clusterContents(teamGroups(people))
}

/** What the first cluster is called in the fleet. */
export const FIRST_CLUSTER = 'prod'

/** The further ones: the same namespaces everywhere, and ever fewer who may read them. */
const FURTHER = [
  { name: 'staging', description: 'where team-a alone may read', readers: ['team-a'] },
  { name: 'dev', description: 'where nobody may read', readers: [] },
] as const satisfies readonly { readonly name: string; readonly [key: string]: unknown }[]

/** How many clusters the demo's fleet has. */
export const FLEET_SIZE = FURTHER.length + 1

/** A further cluster, with an MCP server of its own. */
export interface FleetMember {
  readonly name: string
  readonly description: string
  readonly cluster: Cluster
  readonly mcpServer: KubernetesMcpServer
}

/** @param closers filled with what ends each part */
export async function startFurtherClusters(
  choice: ClusterChoice,
  mock: MockEntra,
  closers: (() => Promise<unknown>)[],
): Promise<readonly FleetMember[]> {
  const all = contentsFor(mock)
  const members: FleetMember[] = []
  for (const { name, description, readers } of FURTHER) {
    const isBound = (namespace: string) => readers.some((reader) => reader === namespace)
    const bindings = all.bindings.filter(({ metadata }) => isBound(metadata.namespace))
    const contents = { ...all, bindings }
    const cluster = await startCluster(choice, mock, { port: await freePort(), contents })
    closers.push(() => cluster.close())
    const port = await freePort()
    const mcpServer = await startKubernetesMcpServer({ cluster, port, stateless: true })
    closers.push(() => mcpServer.close())
    members.push({ name, description, cluster, mcpServer })
  }
  return members
}
