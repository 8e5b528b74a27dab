import { randomBytes } from 'node:crypto'
import { type Child, type ChildExit, describeExit, startChild } from '../../child-process.ts'
import type { ClusterIdentityProvider } from '../cluster.ts'
import { type ClusterAdmin, pollUntil } from './admin.ts'
import type { ClusterTrust, ControlPlaneFlags } from './configuration.ts'
import type { KubeBinaries } from './kube-binaries.ts'

export interface ControlPlaneOptions {
  readonly binaries: KubeBinaries
  readonly flags: ControlPlaneFlags
  /** The processes' home. */
  readonly folder: string
  readonly admin: ClusterAdmin
  readonly trust: ClusterTrust
}

/** A running etcd and kube-apiserver. */
export interface ControlPlane {
  readonly etcd: Child
  readonly apiServer: Child
  close(): Promise<void>
}

const READY_TIMEOUT = 60_000
const TRUST_TIMEOUT = 30_000

/**
 * Starts etcd and kube-apiserver and waits, for at most 60 seconds, until the API server is ready,
 * and for 30 more until it has the identity provider's keys. If not, both are ended.
 *
 * @throws when one ends or the API server does not become ready; with its name and last lines
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { binaries, flags, admin, trust } = options
  const environment = quietEnvironment(options.folder)
  const start = (command: string, parameters: readonly string[]): Promise<Child> =>
    startChild({ command, arguments: parameters, environment })
  const etcd = await start(binaries.etcd, flags.etcd)
  const apiServer = await start(binaries['kube-apiserver'], flags.apiServer).catch(
    async (error: unknown) => {
      await etcd.close()
      throw error
    },
  )
  const controlPlane = { etcd, apiServer, close: () => closeBoth(etcd, apiServer) }
  try {
    const ready = async (): Promise<boolean> => (await admin.probe('/readyz')) === 200
    await waitFor(controlPlane, 'was not ready', ready, READY_TIMEOUT)
    if (trust.kind === 'structured') {
      const { identityProvider } = trust
      const what = `could not fetch the keys of ${identityProvider.issuer}`
      await waitFor(controlPlane, what, () => hasKeys(admin, identityProvider), TRUST_TIMEOUT)
    }
  } catch (error) {
    await controlPlane.close()
    throw error
  }
  return controlPlane
}

/** The API server first: without its store it would wait for it. */
async function closeBoth(etcd: Child, apiServer: Child): Promise<void> {
  await apiServer.close()
  await etcd.close()
}

async function waitFor(
  { etcd, apiServer }: ControlPlane,
  what: string,
  ask: () => Promise<boolean>,
  timeout: number,
): Promise<void> {
  const stopped = new AbortController()
  const stop = (program: string) => (exit: ChildExit) => stopped.abort({ program, exit })
  void etcd.exited.then(stop('etcd'))
  void apiServer.exited.then(stop('kube-apiserver'))
  if (await pollUntil(ask, stopped.signal, timeout)) return
  if (stopped.signal.aborted) {
    const { program, exit } = stopped.signal.reason as { program: string; exit: ChildExit }
    throw new Error(`${program} did not start: ${describeExit(exit)}`)
  }
  await apiServer.close()
  const last = (await apiServer.exited).lastLines.join('\n    ')
  throw new Error(`kube-apiserver ${what} in ${timeout / 1000} s:\n    ${last}`)
}

const KEYS_FETCHED =
  /^apiserver_authentication_jwt_authenticator_jwks_fetch_last_timestamp_seconds\{[^}]*result="success"/m

/**
 * Being ready says nothing of the identity provider: the API server asks it beside its start, and
 * again only 10 seconds after a failure. A token that fits in all but its signature makes it fetch
 * the keys, and its metrics tell that it has.
 */
async function hasKeys(admin: ClusterAdmin, provider: ClusterIdentityProvider): Promise<boolean> {
  await admin.probe('/api', tokenOfNobody(provider))
  return KEYS_FETCHED.test(await admin.send('GET', '/metrics'))
}

function tokenOfNobody({ issuer, audience, tenantId }: ClusterIdentityProvider): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 60
  const header = { alg: 'RS256', typ: 'JWT', kid: 'nobody' }
  const claims = { iss: issuer, aud: audience, tid: tenantId, exp, oid: 'nobody' }
  return `${encode(header)}.${encode(claims)}.${randomBytes(256).toString('base64url')}`
}

/** No proxy, cloud or kubeconfig of the person who runs this reaches the processes. */
function quietEnvironment(folder: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder }
}
