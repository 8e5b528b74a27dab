import { fleetRules } from '../../../src/fleet/tools/instructions.ts'
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

/** What is team-a's on prod is team-b's on dev; foreign takes another provider's tokens alone. */
export const CLUSTERS = ['prod', 'dev', 'foreign', 'lost'] as const
export type ClusterName = (typeof CLUSTERS)[number]

/** HolmesGPT's code, a fleet that signs people in, and its clusters. */
export interface HolmesFleet extends Served {
  readonly entra: MockEntra
  /** All that HolmesGPT is told. */
  readonly url: string
  /** Of one cluster's API server. */
  auditEvents(cluster: ClusterName): ReturnType<Cluster['auditEvents']>
  /** With the instructions that `rolecall check` prints for its values. */
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
    const other = await startMockEntra()
    closing.after(() => other.close())
    const foreign = await startMember(startCluster(other), closing)
    const lost = await startMember(startCluster(entra), closing)
    const members = { prod, dev, foreign, lost }
    const served = await serve(
      {
        entra,
        signIn,
        upstream: prod.server.url,
        furtherResources: Object.fromEntries(
          Object.entries({ dev, foreign, lost }).map(([name, { server }]) => [
            name,
            { path: `/c/${name}/mcp`, upstream: server.url },
          ]),
        ),
        hasFleet: true,
      },
      closing,
    )
    const url = `${served.origin}${FLEET_PATH}`
    const startAt = await starting
    const instructions = fleetRules({ argument: 'cluster', fansOut: true })
    return {
      ...served,
      entra,
      url,
      auditEvents: (cluster: ClusterName) => members[cluster].cluster.auditEvents(),
      start: (oauth: HolmesOauth) => startAt({ url, oauth, instructions }),
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
