import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '../certificates.ts'
import { describeExit } from '../child-process.ts'
import { freePort } from '../ports.ts'
import type { Cluster, ClusterIdentityProvider } from './cluster.ts'
import { findKubeBinaries, type KubeBinaries } from './kube-binaries.ts'
import { connectAdmin } from './real-admin.ts'
import { followAuditLog } from './real-audit-log.ts'
import { type ClusterTrust, writeConfiguration } from './real-configuration.ts'
import { createContents } from './real-contents.ts'
import { startControlPlane } from './real-control-plane.ts'
import type { StandInOptions } from './stand-in.ts'
import { startTokenReviewWebhook } from './token-review-webhook.ts'

export interface RealClusterOptions extends StandInOptions {
  /** How the API server comes to believe tokens. Default: `structured`, for which the identity
   * provider must have a `discoveryUrl`. */
  readonly trust?: ClusterTrust['kind']
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
  const adminToken = randomBytes(32).toString('hex')
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
  { trust = 'structured', identityProvider }: RealClusterOptions,
  authority: Awaited<ReturnType<typeof createAuthority>>,
  closers: Closers,
): Promise<ClusterTrust> {
  if (trust === 'structured') {
    checkDiscoveryUrl(identityProvider)
    return { kind: 'structured', identityProvider }
  }
  const webhook = await startTokenReviewWebhook(identityProvider, authority)
  closers.push(() => webhook.close())
  return { kind: 'webhook', url: webhook.url }
}

/** Told here in our words: the API server would end with its own, about a file nobody sees. */
function checkDiscoveryUrl({ discoveryUrl, issuer }: ClusterIdentityProvider): void {
  if (discoveryUrl?.startsWith('https://')) return
  throw new Error(
    `an API server reads the discovery document of ${issuer} by https only; its address is ` +
      `${discoveryUrl ?? 'not given'}: let the identity provider serve https, or use the webhook`,
  )
}
