import {
  kubernetesMcpServerVersion,
  startKubernetesMcpServer,
} from '../../environment/kubernetes-mcp-server.ts'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { startEverythingServer } from '../everything/server.ts'
import { startV1Server } from '../everything/v1-server.ts'
import { startCluster } from '../support/cluster.ts'
import { packageVersion } from '../support/package-version.ts'
import { REVISIONS, type Revision } from './suite.ts'

export interface RunningServer {
  readonly url: string
  close(): Promise<void>
}

/** A server that the suite is run against, without and with rolecall before it. */
export interface TestedServer {
  readonly name: string
  /** The revisions it meets in full: if it does not, the comparison says little. */
  readonly conformsTo: readonly Revision[]
  /** Revisions in which it is run as two clusters of a fleet, too. */
  readonly inFleet: readonly Revision[]
  /** Whether it wants a bearer itself, so that the direct run sends one too. */
  readonly wantsBearer: boolean
  start(entra: MockEntra): Promise<RunningServer>
}

export const TESTED_SERVERS: readonly TestedServer[] = [
  {
    name: `everything, on the TypeScript SDK ${packageVersion('@modelcontextprotocol/server')}`,
    conformsTo: REVISIONS,
    inFleet: REVISIONS,
    wantsBearer: false,
    start: startEverythingServer,
  },
  {
    name: `everything, on the TypeScript SDK ${packageVersion('@modelcontextprotocol/sdk')}`,
    conformsTo: ['2025-11-25'],
    // It asks over its session's GET stream, which the fleet does not open: those calls do not end.
    inFleet: ['2026-07-28'],
    wantsBearer: false,
    start: startV1Server,
  },
  {
    name: `kubernetes-mcp-server ${kubernetesMcpServerVersion()}`,
    conformsTo: [],
    inFleet: REVISIONS,
    wantsBearer: true,
    start: startOverCluster,
  },
]

async function startOverCluster(entra: MockEntra): Promise<RunningServer> {
  const cluster = await startCluster(entra)
  const server = await startKubernetesMcpServer({ cluster })
  return {
    url: server.url.replace('127.0.0.1', 'localhost'),
    async close() {
      await server.close()
      await cluster.close()
    },
  }
}
