import type { Cluster } from '../../environment/cluster/cluster.ts'
import type { KubeBinaries } from '../../environment/cluster/real/kube-binaries.ts'
import { startKubernetesMcpServer } from '../../environment/kubernetes-mcp-server.ts'
import { type MockEntra, startMockEntra } from '../../environment/mock-entra/mock-entra.ts'
import type { Closing } from './closing.ts'
import { startApiServer } from './cluster.ts'

/** What rolecall stands between: who people are, and what they may. */
export interface ApiServerStack {
  readonly entra: MockEntra
  readonly cluster: Cluster
  /** kubernetes-mcp-server's endpoint. */
  readonly upstream: string
}

/** Seconds for which the mock's tokens are good. */
export const LIFETIME = 3600

/** Starts mock Entra, the real API server that trusts it, and kubernetes-mcp-server. */
export async function startApiServerStack(
  binaries: KubeBinaries,
  closing: Closing,
): Promise<ApiServerStack> {
  const entra = await startMockEntra({ lifetime: LIFETIME })
  closing.after(() => entra.close())
  const cluster = await startApiServer(entra, binaries)
  closing.after(() => cluster.close())
  const { url: upstream, close } = await startKubernetesMcpServer({ cluster })
  closing.after(close)
  return { entra, cluster, upstream }
}
