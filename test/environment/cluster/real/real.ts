import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Authority, createAuthority } from '../../certificates.ts'
import { describeExit } from '../../child-process.ts'
import { freePort } from '../../ports.ts'
import type { Cluster, ClusterIdentityProvider } from '../cluster.ts'
import type { StandInOptions } from '../stand-in/stand-in.ts'
import { startTokenReviewWebhook } from '../token-review-webhook.ts'
import { connectAdmin } from './admin.ts'
import { followAuditLog } from './audit-log.ts'
import { type ClusterTrust, writeConfiguration } from './configuration.ts'
import { createContents } from './contents.ts'
import { startControlPlane } from './control-plane.ts'
import { startDiscoveryFront } from './discovery-front.ts'
import { findKubeBinaries, type KubeBinaries } from './kube-binaries.ts'

export interface RealClusterOptions extends StandInOptions {
  /**
   * How the API server comes to believe tokens. Default: `structured`, for which the identity
   * provider must have a `discoveryUrl`; on loopback it may be http, and is then served by https.
   */
  readonly trust?: ClusterTrust['kind']
  /** With `structured`: an entry of `jwt` in an AuthenticationConfiguration in place of Entra's. */
  readonly authenticator?: object
  /** The administrator's bearer. Default: one that nobody is told. */
  readonly adminToken?: string
  /** Default: where `findKubeBinaries` finds them. */
  readonly binaries?: KubeBinaries
}

type Closers = (() => Promise<unknown>)[]

/**
 * Starts a real kube-apiserver with its etcd on loopback and creates the contents in it. There is no
 * node: pods stay as they were created, and their logs are nowhere. What was done before people may
 * come is not among its audit events, nor is what the API server asks itself.
 *
 * @throws when the programs are not there, or one of them ends or stays silent instead of serving;
 *   the message has its last lines
 */
export async function startRealCluster(options: RealClusterOptions): Promise<Cluster> {
  const closers: Closers = []
  const close = async (): Promise<void> => {
    const closer = closers.pop()
    if (!closer) return
    await closer().finally(close)
  }
  try {
    return { ...(await startParts(options, closers)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startParts(
  options: RealClusterOptions,
  closers: Closers,
): Promise<Omit<Cluster, 'close'>> {
  const binaries = options.binaries ?? findKubeBinaries()
  // mkdtemp makes the folder for its owner alone (0700).
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-cluster-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  const authority = await createAuthority('Real cluster')
  const trust = await prepareTrust(options, authority, closers)
  const port = options.port || (await freePort())
  const { adminToken = randomBytes(32).toString('hex') } = options
  const flags = await writeConfiguration({ folder, port, authority, trust, adminToken })
  const server = `https://127.0.0.1:${port}`
  const admin = connectAdmin({
    server,
    certificateAuthority: authority.certificate,
    adminToken,
  })
  closers.push(() => admin.close())
  const controlPlane = await startControlPlane({ binaries, flags, folder, admin, trust })
  closers.push(() => controlPlane.close())
  await createContents(admin, options.contents)
  const { gitVersion } = JSON.parse(await admin.send('GET', '/version')) as { gitVersion: string }
  const auditLog = await followAuditLog(flags.auditLog, options.auditLog)
  // Last in, first out: the log is read to its end when the processes are gone.
  closers.splice(-1, 0, () => auditLog.close())
  return {
    kind: 'real',
    description: `a real API server, Kubernetes ${gitVersion} with etcd, without nodes; ${TRUST_WORDS[trust.kind]}`,
    server,
    certificateAuthority: authority.certificate,
    ended: Promise.race([
      controlPlane.etcd.exited.then((exit) => `etcd: ${describeExit(exit)}`),
      controlPlane.apiServer.exited.then((exit) => `kube-apiserver: ${describeExit(exit)}`),
    ]),
    auditEvents: () => auditLog.events(),
  }
}

const TRUST_WORDS: Readonly<Record<ClusterTrust['kind'], string>> = {
  structured: 'it trusts the identity provider by its AuthenticationConfiguration',
  webhook: 'it trusts the identity provider through a TokenReview webhook',
}

async function prepareTrust(
  { trust = 'structured', identityProvider, authenticator }: RealClusterOptions,
  authority: Authority,
  closers: Closers,
): Promise<ClusterTrust> {
  if (trust === 'structured') {
    const reachable = await withHttpsDiscovery(identityProvider, authority, closers)
    return {
      kind: 'structured',
      identityProvider: reachable,
      ...(authenticator && { authenticator }),
    }
  }
  const webhook = await startTokenReviewWebhook(identityProvider, authority)
  closers.push(() => webhook.close())
  return { kind: 'webhook', url: webhook.url }
}

/** What cannot be is told here: the API server would end with words about a file nobody sees. */
async function withHttpsDiscovery(
  identityProvider: ClusterIdentityProvider,
  authority: Authority,
  closers: Closers,
): Promise<ClusterIdentityProvider> {
  const { discoveryUrl = '', issuer, certificateAuthority } = identityProvider
  if (discoveryUrl.startsWith('https://')) return identityProvider
  if (!/^http:\/\/(127\.0\.0\.1|localhost)[:/]/.test(discoveryUrl)) {
    throw new Error(
      `an API server reads the discovery document of ${issuer} by https; its address here is ` +
        `"${discoveryUrl}": give one on https, or on http on loopback, or use the webhook`,
    )
  }
  const front = await startDiscoveryFront(discoveryUrl, authority)
  closers.push(() => front.close())
  const authorities = [authority.certificate, certificateAuthority ?? ''].join('\n').trim()
  return { ...identityProvider, discoveryUrl: front.url, certificateAuthority: authorities }
}
