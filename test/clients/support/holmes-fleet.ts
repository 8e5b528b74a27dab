import type { Cluster } from '../../environment/cluster/cluster.ts'
import {
  type KubernetesMcpServer,
  startKubernetesMcpServer,
} from '../../environment/kubernetes-mcp-server.ts'
import { type MockEntra, startMockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { FLEET_PATH } from '../../environment/proxy-process.ts'
import { LIFETIME } from './api-server-stack.ts'
import { type Closing, closable } from './closing.ts'
import { startCluster, startSwappedCluster } from './cluster.ts'
import type { Holmes, HolmesOauth } from './holmes.ts'
import { startHolmesAt } from './holmes-stack.ts'
import { type Served, type Serving, serve } from './served.ts'

/** What is team-a's on prod is team-b's on dev. */
export const CLUSTERS = ['prod', 'dev', 'lost'] as const
export type ClusterName = (typeof CLUSTERS)[number]

/** HolmesGPT's code, a fleet that signs people in, and its three clusters. */
export interface HolmesFleet extends Served {
  readonly entra: MockEntra
  /** All that HolmesGPT is told. */
  readonly url: string
  readonly clusters: Readonly<Record<ClusterName, Cluster>>
  start(oauth: HolmesOauth): Promise<Holmes>
  /** Ends one cluster's MCP server. */
  lose(cluster: ClusterName): Promise<void>
  close(): Promise<void>
}

/**
 * Starts everything on loopback.
 *
 * @throws as its parts do; what had started is ended first
 */
export function startHolmesFleet(python: string, signIn: Serving['signIn']): Promise<HolmesFleet> {
  return closable(async (closing) => {
    const starting = startHolmesAt(python, closing)
    const entra = await startMockEntra({ lifetime: LIFETIME })
    closing.after(() => entra.close())
    const prod = await startMember(startCluster(entra), closing)
    const dev = await startMember(startSwappedCluster(entra), closing)
    const lost = await startMember(startCluster(entra), closing)
    const members = { prod, dev, lost }
    const served = await serve(
      {
        entra,
        signIn,
        upstream: prod.server.url,
        furtherResources: {
          dev: { path: '/c/dev/mcp', upstream: dev.server.url },
          lost: { path: '/c/lost/mcp', upstream: lost.server.url },
        },
        hasFleet: true,
      },
      closing,
    )
    const url = `${served.origin}${FLEET_PATH}`
    const startAt = await starting
    return {
      ...served,
      entra,
      url,
      clusters: { prod: prod.cluster, dev: dev.cluster, lost: lost.cluster },
      start: (oauth: HolmesOauth) => startAt(url, oauth),
      lose: (cluster: ClusterName) => members[cluster].server.close(),
    }
  })
}

interface StartedMember {
  readonly cluster: Cluster
  readonly server: KubernetesMcpServer
}

async function startMember(starting: Promise<Cluster>, closing: Closing): Promise<StartedMember> {
  const cluster = await starting
  closing.after(() => cluster.close())
  const server = await startKubernetesMcpServer({ cluster })
  closing.after(() => server.close())
  return { cluster, server }
}
