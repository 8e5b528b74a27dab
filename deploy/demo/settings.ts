import { parseArgs } from 'node:util'
import { realClusterMissing } from '../../test/environment/cluster/real/kube-binaries.ts'
import {
  ANY_PORTS,
  type DemoPorts,
  FRIENDLY_PORTS,
  PORT_FLAGS,
} from '../../test/environment/ports.ts'
import { type ClusterChoice, FLEET_SIZE } from './clusters.ts'

export const usage = `npm run demo -- [--once] [--cluster real|stand-in] [--trust structured|webhook]
              [--clusters 3] [--ui-port N] [--port N] [--admin-port N] [--relay-port N] [--relay-admin-port N]
              [--idp-port N] [--mcp-port N] [--cluster-port N]

  --once                 sign everybody in both ways, through the broker as MCP clients do and through
                         the relay as HolmesGPT does, call tools as each, print what each may see,
                         check it, and stop
  --cluster KIND         real: a kube-apiserver, the default where its binaries are there
                         (npm run cluster:build makes them); stand-in: a small server that acts as one
  --trust HOW            how the real one trusts the identity provider: structured (default) or
                         webhook, which is AKS's way; with --once both, one after the other, unless
                         this is given
  --clusters 3           three clusters, each with its own MCP server and other rights, and at the broker
                         a fleet of them: one endpoint, one sign-in; with --once its calls are made, too
  --ui-port N            of the page on which people sign in (default ${FRIENDLY_PORTS.ui})
  --port N               of the broker, for MCP clients (default ${FRIENDLY_PORTS.broker})
  --admin-port N         of its health and metrics (default ${FRIENDLY_PORTS.brokerAdmin})
  --relay-port N         of the relay, behind the page (default ${FRIENDLY_PORTS.relay})
  --relay-admin-port N   of its health and metrics (default ${FRIENDLY_PORTS.relayAdmin})
  --idp-port N           of the mock identity provider (default ${FRIENDLY_PORTS.identityProvider})
  --mcp-port N           of kubernetes-mcp-server (default ${FRIENDLY_PORTS.mcpServer})
  --cluster-port N       of the cluster (default ${FRIENDLY_PORTS.cluster})

  A port of 0 is any that is free; --once takes free ones unless told otherwise.
`

export interface Settings {
  readonly once: boolean
  /** Whether there are several clusters at a time, as a fleet. */
  readonly hasFleet: boolean
  readonly ports: DemoPorts
  /** Each is a demo of its own; several only with `once`. */
  readonly clusters: readonly ClusterChoice[]
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws Error that says what is wrong with the arguments */
export function readSettings(argv: readonly string[], environment: Environment): Settings {
  const { values } = parseArgs({ args: [...argv], options: flags })
  const once = values.once ?? false
  return {
    once,
    hasFleet: readHasFleet(values.clusters),
    clusters: readClusters(values, once, environment),
    ports: readPorts(values, once),
  }
}

function readHasFleet(count: string | undefined): boolean {
  if (count === undefined || count === '1') return false
  if (count !== String(FLEET_SIZE))
    throw new Error(`--clusters is 1 or ${FLEET_SIZE}, not "${count}"`)
  return true
}

/** Which cluster, or several one after the other. */
function readClusters(
  values: { readonly cluster?: string | undefined; readonly trust?: string | undefined },
  once: boolean,
  environment: Environment,
): readonly ClusterChoice[] {
  const missing = realClusterMissing(environment)
  const kind = values.cluster ?? (missing === undefined ? 'real' : 'stand-in')
  const { trust } = values
  if (kind !== 'real' && kind !== 'stand-in') {
    throw new Error(`--cluster is real or stand-in, not "${kind}"`)
  }
  if (trust !== undefined && trust !== 'structured' && trust !== 'webhook') {
    throw new Error(`--trust is structured or webhook, not "${trust}"`)
  }
  if (kind === 'stand-in') {
    if (trust !== undefined) throw new Error('--trust is for --cluster real')
    return ['stand-in']
  }
  if (missing !== undefined) throw new Error(missing)
  if (trust !== undefined) return [trust]
  return once ? ['structured', 'webhook'] : ['structured']
}

const flags = {
  once: { type: 'boolean' },
  cluster: { type: 'string' },
  trust: { type: 'string' },
  clusters: { type: 'string' },
  'ui-port': { type: 'string' },
  port: { type: 'string' },
  'admin-port': { type: 'string' },
  'relay-port': { type: 'string' },
  'relay-admin-port': { type: 'string' },
  'idp-port': { type: 'string' },
  'mcp-port': { type: 'string' },
  'cluster-port': { type: 'string' },
} as const

function readPorts(values: Readonly<Record<string, unknown>>, runOnce: boolean): DemoPorts {
  const defaults = runOnce ? ANY_PORTS : FRIENDLY_PORTS
  const read = (part: keyof DemoPorts): number => {
    const flag = PORT_FLAGS[part]
    const text = values[flag.slice(2)]
    if (text === undefined) return defaults[part]
    if (typeof text !== 'string' || !/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
      throw new Error(`${flag} must be a number from 0 to 65535, not "${text}"`)
    }
    return Number(text)
  }
  return {
    ui: read('ui'),
    broker: read('broker'),
    brokerAdmin: read('brokerAdmin'),
    relay: read('relay'),
    relayAdmin: read('relayAdmin'),
    identityProvider: read('identityProvider'),
    mcpServer: read('mcpServer'),
    cluster: read('cluster'),
  }
}
