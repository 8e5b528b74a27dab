import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { describeExit } from '../../test/environment/child-process.ts'
import type { Cluster } from '../../test/environment/cluster/cluster.ts'
import { TEAMS } from '../../test/environment/cluster/contents.ts'
import {
  type KubernetesMcpServer,
  kubernetesMcpServerVersion,
  startKubernetesMcpServer,
} from '../../test/environment/kubernetes-mcp-server.ts'
import {
  aksServerId,
  type Client,
  holmes,
  rolecallApp,
} from '../../test/environment/mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../../test/environment/mock-entra/mock-entra.ts'
import { readPeople } from '../../test/environment/people.ts'
import { type DemoPorts, reservePorts } from '../../test/environment/ports.ts'
import {
  FLEET_PATH,
  type FurtherResource,
  type ProxyProcess,
  startProxy,
} from '../../test/environment/proxy-process.ts'
import { type Robusta, startRobusta } from '../../test/environment/robusta/robusta.ts'
import { type AuditLines, readAuditLines } from '../../test/environment/trail/audit-lines.ts'
import { createTrail, type Trail } from '../../test/environment/trail/trail.ts'
import {
  type ClusterChoice,
  FIRST_CLUSTER,
  type FleetMember,
  startCluster,
  startFurtherClusters,
} from './clusters.ts'
import type { Progress } from './progress.ts'
import { rightsOf } from './teams.ts'

export interface DemoOptions {
  readonly ports: DemoPorts
  readonly cluster: ClusterChoice
  /** Whether there are further clusters, and a fleet of them all at the broker. */
  readonly hasFleet?: boolean
  /** Told of each part as it starts. */
  readonly progress: Progress
}

/** One rolecall of the demo, with the file of its log lines. */
export interface DemoProxy extends ProxyProcess {
  readonly log: string
}

/** The running demo. */
export interface Demo {
  readonly identityProvider: MockEntra
  readonly cluster: Cluster
  readonly mcpServer: KubernetesMcpServer
  /** For every MCP client: it signs people in itself. */
  readonly broker: DemoProxy
  /** Behind the page: the browser goes to the identity provider, and comes back to the page. */
  readonly relay: DemoProxy
  /** What a call through the relay left behind. */
  readonly relayTrail: Trail
  /** The page on which people sign in. */
  readonly ui: Robusta
  /** All clusters as one endpoint of the broker, where the demo has several. */
  readonly fleet?: DemoFleet
  readonly files: DemoFiles
  /** Settles when a part ends by itself: which, how, and its last lines. */
  readonly ended: Promise<string>
  /** Ends all parts and removes the files. */
  close(): Promise<void>
}

export interface DemoFleet {
  readonly url: string
  /** But for the first cluster. The end of one of them ends nothing: the fleet goes on without it. */
  readonly members: readonly FleetMember[]
}

export interface DemoFiles {
  readonly folder: string
  readonly clusterAudit: string
  readonly clusterAuthority: string
}

type Closers = (() => Promise<unknown>)[]

/**
 * Starts mock Entra, the cluster, kubernetes-mcp-server, two rolecalls before it and a page like
 * Robusta's, each as in earnest: the cluster trusts the identity provider only, the MCP server has no
 * credentials, each rolecall is its own command with a configuration file and an app registration of
 * its own, the page has an origin of its own.
 *
 * @throws when a port is taken or a part does not start; what had started is ended first
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const ports = await reservePorts(options.ports)
  const closers: Closers = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return { ...(await startParts({ ...options, ports }, closers)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startParts(options: DemoOptions, closers: Closers): Promise<Omit<Demo, 'close'>> {
  const { ports, progress, cluster: choice } = options
  const files = await makeFiles()
  closers.push(() => rm(files.folder, { recursive: true, force: true }))
  const identityProvider = await progress(
    'mock Entra ID',
    () => startMock(ports.identityProvider),
    ({ origin }) => origin,
  )
  closers.push(() => identityProvider.close())
  const cluster = await progress(
    'cluster',
    async () => {
      const auditLog = await openLog(files.clusterAudit, closers)
      return startCluster(choice, identityProvider, { port: ports.cluster, auditLog })
    },
    ({ server }) => server,
  )
  closers.push(() => cluster.close())
  await writeFile(files.clusterAuthority, cluster.certificateAuthority)
  const mcpServer = await progress(
    'kubernetes-mcp-server',
    // Without sessions one curl line is a whole call.
    () => startKubernetesMcpServer({ cluster, port: ports.mcpServer, stateless: true }),
    ({ url, pid }) => `${url}  version ${kubernetesMcpServerVersion()}  pid ${pid}`,
  )
  closers.push(() => mcpServer.close())
  const members = await startMembers(options, identityProvider, closers)
  const { folder } = files
  const place = { folder, identityProvider, upstream: mcpServer.url, members, closers }
  const [{ proxy: broker }, { proxy: relay, lines }] = await progress(
    'two rolecalls',
    () => startBoth(place, ports),
    (parts) => parts.map(({ proxy }) => `${proxy.url}  pid ${proxy.pid}`).join(', '),
  )
  const relayTrail = createTrail(lines, cluster)
  const ui = await progress(
    "page like Robusta's",
    () => startPage(ports.ui, relay.url, relayTrail),
    ({ origin }) => origin,
  )
  closers.push(() => ui.close())
  const ended = firstEnd({ cluster, mcpServer, broker, relay })
  const running = {
    identityProvider,
    cluster,
    mcpServer,
    broker,
    relay,
    relayTrail,
    ui,
    files,
    ended,
  }
  if (members.length === 0) return running
  return { ...running, fleet: { url: `${broker.publicUrl}${FLEET_PATH}`, members } }
}

async function startMembers(
  { hasFleet = false, progress, cluster }: DemoOptions,
  identityProvider: MockEntra,
  closers: Closers,
): Promise<readonly FleetMember[]> {
  if (!hasFleet) return []
  return progress(
    'further clusters',
    () => startFurtherClusters(cluster, identityProvider, closers),
    (all) => all.map(({ name, cluster: { server } }) => `${name} ${server}`).join(', '),
  )
}

function firstEnd(
  parts: Pick<Demo, 'cluster' | 'mcpServer' | 'broker' | 'relay'>,
): Promise<string> {
  const { cluster, mcpServer, broker, relay } = parts
  return Promise.race([
    cluster.ended.then((how) => `the cluster ended: ${how}`),
    mcpServer.exited.then((exit) => `kubernetes-mcp-server ended: ${describeExit(exit)}`),
    broker.exited.then((exit) => `rolecall (broker) ended: ${describeExit(exit)}`),
    relay.exited.then((exit) => `rolecall (relay) ended: ${describeExit(exit)}`),
  ])
}

/** A mock that asks each time who signs in, and says what each may see here. */
async function startMock(port: number): Promise<MockEntra> {
  const people = await readPeople()
  const rights = (person: (typeof people.people)[number]) => rightsOf(person, people)
  return startMockEntra({ port, people, asksAgain: true, rightsOf: rights })
}

function startPage(port: number, mcpUrl: string, trail: Trail): Promise<Robusta> {
  return startRobusta({ port, mcpUrl, clientId: holmes.client_id, namespaces: TEAMS, trail })
}

interface Place {
  readonly folder: string
  readonly identityProvider: MockEntra
  readonly upstream: string
  readonly members: readonly FleetMember[]
  readonly closers: Closers
}

interface ProxyPart {
  readonly proxy: DemoProxy
  readonly lines: AuditLines
}

/** Both at once: each takes a second to start. Both have started or failed when this ends. */
async function startBoth(place: Place, ports: DemoPorts): Promise<readonly [ProxyPart, ProxyPart]> {
  const starting = [
    startRolecall(place, 'broker', { port: ports.broker, adminPort: ports.brokerAdmin }),
    startRolecall(place, 'relay', { port: ports.relay, adminPort: ports.relayAdmin }),
  ] as const
  await Promise.allSettled(starting)
  return await Promise.all(starting)
}

const REGISTRATIONS: Readonly<Record<'broker' | 'relay', Client>> = {
  broker: rolecallApp,
  relay: holmes,
}

async function startRolecall(
  { folder, identityProvider, upstream, members, closers }: Place,
  mode: 'broker' | 'relay',
  listen: { readonly port: number; readonly adminPort: number },
): Promise<ProxyPart> {
  const { origin: authority, tenantId } = identityProvider
  const { client_id: clientId, client_secret: clientSecret = '' } = REGISTRATIONS[mode]
  const log = join(folder, `rolecall-${mode}.log`)
  const lines = readAuditLines(await openLog(log, closers))
  closers.push(() => lines.close())
  const proxy = await startProxy({
    folder,
    name: `rolecall-${mode}`,
    resource: members.length > 0 ? FIRST_CLUSTER : 'rolecall-demo',
    mode,
    ...listen,
    identityProvider: { tenantId, authority, clientId, clientSecret },
    upstream,
    ...(mode === 'broker' && { fleet: members.map(resourceOf) }),
    audience: aksServerId,
    log: lines.output,
  })
  closers.push(() => proxy.close())
  return { proxy: { ...proxy, log }, lines }
}

function resourceOf({ name, description, mcpServer }: FleetMember): FurtherResource {
  return { name, description, upstream: mcpServer.url }
}

async function makeFiles(): Promise<DemoFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-demo-'))
  return {
    folder,
    clusterAudit: join(folder, 'cluster-audit.log'),
    clusterAuthority: join(folder, 'cluster-ca.crt'),
  }
}

/** A file for log lines. It is closed before the folder is removed. */
async function openLog(path: string, closers: Closers): Promise<Writable> {
  const log = createWriteStream(path, { mode: 0o600 })
  await once(log, 'open')
  closers.push(async () => {
    log.end()
    await once(log, 'close')
  })
  return log
}
