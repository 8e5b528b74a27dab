import type { TestContext } from 'node:test'
import {
  Client,
  type ClientCapabilities,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import type { ResourceConfig } from '../../src/config/config.ts'
import { fleetConfig } from '../../src/config/rules/fleet.ts'
import { type Gateway, type GatewayOptions, resourceConfig, startGateway } from './gateway.ts'

/** A cluster of the fleet: its upstream, and what of its resource matters. */
export interface ClusterSettings extends Partial<ResourceConfig> {
  readonly name: string
  readonly upstream: string
}

/** A rolecall with a fleet of these clusters at `/fleet/mcp`. */
export async function startFleetGateway(
  t: TestContext,
  clusters: readonly ClusterSettings[],
  options: Partial<GatewayOptions> & { readonly fansOut?: boolean } = {},
): Promise<Gateway & { readonly fleetUrl: string }> {
  const resources = clusters.map((cluster) =>
    resourceConfig(cluster.upstream, { path: `/c/${cluster.name}/mcp`, ...cluster }),
  )
  const fleet = fleetConfig(
    { path: '/fleet/mcp', resources: ['*'], fan_out: options.fansOut ?? true },
    resources,
  )
  const gateway = await startGateway(t, {
    upstream: '',
    ...options,
    resources,
    config: { ...options.config, ...(fleet && { fleet }) },
  })
  return { ...gateway, fleetUrl: `${gateway.origin}/fleet/mcp` }
}

/** What a test's client can do beside calling tools. */
export interface ClientSettings {
  readonly mode?: 'legacy' | 'auto'
  readonly capabilities?: ClientCapabilities
  /** Sets its handlers, before it connects. */
  readonly prepare?: (client: Client) => void
}

/** An MCP client of the official SDK that shows this token. */
export async function connectClient(
  t: TestContext,
  url: string,
  token: string,
  { mode = 'auto', capabilities = {}, prepare }: ClientSettings = {},
): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode } },
  )
  prepare?.(client)
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  )
  t.after(() => client.close())
  return client
}
