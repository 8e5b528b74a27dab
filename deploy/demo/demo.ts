import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { describeExit } from '../../test/environment/child-process.ts'
import type { Cluster, ClusterIdentityProvider } from '../../test/environment/cluster/cluster.ts'
import {
  clusterContents,
  TEAMS,
  type Team,
  type TeamGroups,
} from '../../test/environment/cluster/contents.ts'
import { startRealCluster } from '../../test/environment/cluster/real/real.ts'
import { startStandInCluster } from '../../test/environment/cluster/stand-in/stand-in.ts'
import {
  type KubernetesMcpServer,
  kubernetesMcpServerVersion,
  startKubernetesMcpServer,
} from '../../test/environment/kubernetes-mcp-server.ts'
import { aksServerId, holmes } from '../../test/environment/mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../../test/environment/mock-entra/mock-entra.ts'
import type { People, Person } from '../../test/environment/people.ts'
import { type DemoPorts, reservePorts } from '../../test/environment/ports.ts'
import { type ProxyProcess, startProxy } from '../../test/environment/proxy-process.ts'
import { type Robusta, startRobusta } from '../../test/environment/robusta/robusta.ts'
import { signIn } from '../../test/environment/sign-in.ts'
import type { SignedInPerson } from './who-sees-what.ts'

/** The stand-in, or a real cluster by the way it trusts the identity provider. */
export type ClusterChoice = 'stand-in' | 'structured' | 'webhook'

export interface DemoOptions {
  readonly ports: DemoPorts
  readonly cluster: ClusterChoice
  /** Told of each part as it starts. */
  readonly progress: (line: string) => void
}

/** The running demo. */
export interface Demo {
  readonly identityProvider: MockEntra
  readonly cluster: Cluster
  readonly mcpServer: KubernetesMcpServer
  readonly proxy: ProxyProcess
  /** The page on which people sign in. */
  readonly ui: Robusta
  readonly files: DemoFiles
  /** Settles when a part ends by itself: which, how, and its last lines. */
  readonly ended: Promise<string>
  /** Ends all parts and removes the files. */
  close(): Promise<void>
}

export interface DemoFiles {
  readonly folder: string
  readonly proxyLog: string
  readonly clusterAudit: string
  readonly clusterAuthority: string
}

/**
 * Starts mock Entra, the cluster, kubernetes-mcp-server, rolecall and a page like Robusta's, each as
 * in earnest: the cluster trusts the identity provider only, the MCP server has no credentials,
 * rolecall is its own command with a configuration file, the page has an origin of its own.
 *
 * @throws when a port is taken or a part does not start; what had started is ended first
 */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const ports = await reservePorts(options.ports)
  const closers: (() => Promise<unknown>)[] = []
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

async function startParts(
  { ports, progress, cluster: choice }: DemoOptions,
  closers: (() => Promise<unknown>)[],
): Promise<Omit<Demo, 'close'>> {
  const files = await makeFiles()
  closers.push(() => rm(files.folder, { recursive: true, force: true }))
  const identityProvider = await startMockEntra({ port: ports.identityProvider })
  closers.push(() => identityProvider.close())
  progress(`mock Entra ID          ${identityProvider.origin}`)
  const auditLog = await openLog(files.clusterAudit, closers)
  const cluster = await startCluster(choice, identityProvider, { port: ports.cluster, auditLog })
  closers.push(() => cluster.close())
  await writeFile(files.clusterAuthority, cluster.certificateAuthority)
  progress(`cluster                ${cluster.server}  ${cluster.description}`)
  const mcpServer = await startKubernetesMcpServer({
    cluster,
    port: ports.mcpServer,
    // Without sessions one curl line is a whole call.
    stateless: true,
  })
  closers.push(() => mcpServer.close())
  const version = kubernetesMcpServerVersion()
  progress(`kubernetes-mcp-server  ${mcpServer.url}  version ${version}, pid ${mcpServer.pid}`)
  const log = await openLog(files.proxyLog, closers)
  const { origin: authority, tenantId } = identityProvider
  const proxy = await startProxy({
    folder: files.folder,
    port: ports.proxy,
    adminPort: ports.admin,
    identityProvider: {
      tenantId,
      authority,
      clientId: holmes.client_id,
      ...(holmes.client_secret === undefined ? {} : { clientSecret: holmes.client_secret }),
    },
    upstream: mcpServer.url,
    audience: aksServerId,
    log,
  })
  closers.push(() => proxy.close())
  progress(`rolecall               ${proxy.url}  pid ${proxy.pid}`)
  const ui = await startRobusta({
    port: ports.ui,
    mcpUrl: proxy.url,
    clientId: holmes.client_id,
    namespaces: TEAMS,
  })
  closers.push(() => ui.close())
  progress(`page like Robusta's    ${ui.origin}`)
  const ended = Promise.race([
    cluster.ended.then((how) => `the cluster ended: ${how}`),
    mcpServer.exited.then((exit) => `kubernetes-mcp-server ended: ${describeExit(exit)}`),
    proxy.exited.then((exit) => `rolecall ended: ${describeExit(exit)}`),
  ])
  return { identityProvider, cluster, mcpServer, proxy, ui, files, ended }
}

async function makeFiles(): Promise<DemoFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-demo-'))
  return {
    folder,
    proxyLog: join(folder, 'rolecall.log'),
    clusterAudit: join(folder, 'cluster-audit.log'),
    clusterAuthority: join(folder, 'cluster-ca.crt'),
  }
}

/** A file for log lines. It is closed before the folder is removed. */
async function openLog(path: string, closers: (() => Promise<unknown>)[]): Promise<Writable> {
  const log = createWriteStream(path, { mode: 0o600 })
  await once(log, 'open')
  closers.push(async () => {
    log.end()
    await once(log, 'close')
  })
  return log
}

/** The one place that knows which clusters there are. */
function startCluster(
  choice: ClusterChoice,
  mock: MockEntra,
  where: { readonly port: number; readonly auditLog: Writable },
): Promise<Cluster> {
  const identityProvider: ClusterIdentityProvider = {
    discoveryUrl: `${mock.origin}/${mock.tenantId}/.well-known/openid-configuration`,
    jwksUri: `${mock.origin}/common/discovery/keys`,
    issuer: `https://sts.windows.net/${mock.tenantId}/`,
    audience: aksServerId,
    tenantId: mock.tenantId,
  }
  const options = { ...where, identityProvider, contents: clusterContents(teamGroups(mock.people)) }
  if (choice === 'stand-in') return startStandInCluster(options)
  return startRealCluster({ ...options, trust: choice })
}

function teamGroups(people: People): TeamGroups {
  const groupId = (team: Team): string => {
    const group = people.groups.find(({ name }) => name === team)
    if (!group) throw new Error(`there is no group "${team}" in the people's file`)
    return group.id
  }
  return { 'team-a': groupId('team-a'), 'team-b': groupId('team-b') }
}

/** The teams that a person is in. */
export function teamsOf(person: Person, people: People): Team[] {
  const groups = teamGroups(people)
  return TEAMS.filter((team) => person.groups.includes(groups[team]))
}

/** Signs everybody in, without a browser, one after the other. */
export async function signEverybodyIn(mock: MockEntra): Promise<readonly SignedInPerson[]> {
  const signedIn: SignedInPerson[] = []
  for (const person of mock.people.people) {
    const { access_token: token } = await signIn(mock, person.username)
    const { username, upn, oid, home_tenant_id } = person
    const clusterName = home_tenant_id === undefined ? upn : oid
    signedIn.push({ username, clusterName, teams: teamsOf(person, mock.people), token })
  }
  return signedIn
}
