import type { TestContext } from 'node:test'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { startMockEntra } from '../../environment/mock-entra/mock-entra.ts'
import type { RecordingUpstream } from '../../support/recording-upstream.ts'
import { type RedisServer, startRedis } from '../../support/redis-server.ts'
import { renderChart } from './helm.ts'
import { type Installed, runInstallation } from './installed.ts'
import { mountedFiles } from './mounted.ts'
import { filledPreset } from './presets.ts'

const PRESET = 'aks-robusta-broker-secret'
const UPSTREAM = 'http://rolecall-mcp-kubernetes.holmes.svc.cluster.local:8080/mcp'

export interface Replica {
  /** What is in the Secret; default: one key, the same for all. */
  readonly sealingKeys?: string
  /** What all of them call themselves. Default: as this one is reached. */
  readonly publicUrl?: string | undefined
  readonly environment?: Readonly<Record<string, string>>
}

export interface Replicas {
  readonly redis: RedisServer
  /** One more, as the chart makes it. */
  start(replica: Replica): Promise<Installed>
}

/** Replicas by the broker's preset, with a mock Entra and a Redis that they share; all end with the test. */
export async function brokerReplicas(
  t: TestContext,
  upstream: RecordingUpstream,
): Promise<Replicas> {
  const entra = await startMockEntra()
  t.after(() => entra.close())
  const written = { TENANT_ID: entra.tenantId, CLIENT_ID: holmes.client_id }
  const { objects } = await renderChart({ values: [filledPreset(PRESET, written)] })
  const redis = await startRedis(t)
  const start = ({ sealingKeys, publicUrl, environment }: Replica): Promise<Installed> =>
    runInstallation(t, {
      files: mountedFiles(objects, {
        'rolecall-client': { 'client-secret': holmes.client_secret ?? '' },
        'rolecall-store': { 'redis-url': redis.url },
        ...(sealingKeys !== undefined && { 'rolecall-keys': { 'sealing-keys': sealingKeys } }),
      }),
      mcpServers: {},
      changes: { [UPSTREAM]: upstream.url },
      environment: { ROLECALL__IDENTITY_PROVIDER__AUTHORITY: entra.origin, ...environment },
      cluster: { server: '', certificateAuthority: '' },
      ...(publicUrl !== undefined && { publicUrl }),
    })
  return { redis, start }
}
