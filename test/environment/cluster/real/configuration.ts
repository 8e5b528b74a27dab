import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Authority, loopbackNames } from '../../certificates.ts'
import { type ClusterIdentityProvider, TOKEN_ID_EXTRA } from '../cluster.ts'

/**
 * Whom the API server believes about people: `structured`, the identity provider by an
 * AuthenticationConfiguration of its own; `webhook`, a TokenReview webhook, as on AKS.
 */
export type ClusterTrust =
  | {
      readonly kind: 'structured'
      readonly identityProvider: ClusterIdentityProvider
      /** An entry of the configuration's `jwt` in place of the one for Entra's v1 tokens. */
      readonly authenticator?: object
    }
  | { readonly kind: 'webhook'; readonly url: string }

export interface ControlPlaneConfiguration {
  /** Removed with everything in it at the end; its owner's alone. */
  readonly folder: string
  readonly port: number
  readonly authority: Authority
  readonly trust: ClusterTrust
  /** The bearer of `system:masters`, for those who fill the cluster. */
  readonly adminToken: string
}

/** The flags of the two processes. */
export interface ControlPlaneFlags {
  readonly etcd: readonly string[]
  readonly apiServer: readonly string[]
  readonly auditLog: string
}

/** Who fills the cluster, in its audit log. */
export const ADMIN_NAME = 'rolecall-cluster-setup'

/** Writes keys, certificates and configuration files, and says how etcd and the server start. */
export async function writeConfiguration(
  configuration: ControlPlaneConfiguration,
): Promise<ControlPlaneFlags> {
  const { folder, port, authority, trust, adminToken } = configuration
  const { certificate, key } = await authority.issue({ names: loopbackNames })
  const auditLog = join(folder, 'audit.log')
  const write = async (name: string, content: string | object): Promise<string> => {
    const path = join(folder, name)
    // JSON is YAML.
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }
  const serving: ServingFiles = {
    authority: await write('ca.crt', authority.certificate),
    certificate: await write('tls.crt', certificate),
    key: await write('tls.key', key),
  }
  const accountKey = await write('service-accounts.key', serviceAccountKey())
  const tokens = await write('tokens.csv', `${adminToken},${ADMIN_NAME},,system:masters\n`)
  const authentication = await write('authentication.yaml', authenticationConfiguration(trust))
  const webhook =
    trust.kind === 'webhook' &&
    (await write('token-review.kubeconfig', webhookKubeconfig(trust.url, authority.certificate)))
  const audit = await write('audit.yaml', AUDIT_POLICY)
  const apiServer = [
    `--etcd-servers=unix://${etcdSocket(folder)}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--advertise-address=127.0.0.1',
    // No endpoints for the `kubernetes` service: none may be in the loopback range.
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.96.0.0/16',
    `--tls-cert-file=${serving.certificate}`,
    `--tls-private-key-file=${serving.key}`,
    `--cert-dir=${folder}`,
    `--service-account-key-file=${accountKey}`,
    `--service-account-signing-key-file=${accountKey}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--token-auth-file=${tokens}`,
    `--authentication-config=${authentication}`,
    ...(webhook ? webhookFlags(webhook) : []),
    '--authorization-mode=RBAC',
    `--audit-policy-file=${audit}`,
    `--audit-log-path=${auditLog}`,
    '--audit-log-mode=blocking',
    // Never rotated: whoever follows it by its position would lose the old part.
    '--audit-log-maxsize=0',
  ]
  return { etcd: etcdFlags(folder, serving), apiServer, auditLog }
}

interface ServingFiles {
  readonly authority: string
  readonly certificate: string
  readonly key: string
}

function etcdSocket(folder: string): string {
  return join(folder, 'etcd.sock')
}

/**
 * Clients come through a socket in the folder, which only its owner can open. Peers, of which there
 * are none, would come by TCP and are asked for a certificate that nobody has.
 */
function etcdFlags(folder: string, { authority, certificate, key }: ServingFiles): string[] {
  const peer = 'https://localhost:2380'
  return [
    '--name=demo',
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=unix://${etcdSocket(folder)}`,
    // Advertised addresses are names only: nobody dials them.
    '--advertise-client-urls=http://localhost:2379',
    '--listen-peer-urls=https://127.0.0.1:0',
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=demo=${peer}`,
    '--peer-client-cert-auth',
    `--peer-trusted-ca-file=${authority}`,
    `--peer-cert-file=${certificate}`,
    `--peer-key-file=${key}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
}

function serviceAccountKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return String(privateKey.export({ type: 'sec1', format: 'pem' }))
}

/** Only health is answered to anybody. */
function authenticationConfiguration(trust: ClusterTrust): object {
  const conditions = [{ path: '/livez' }, { path: '/readyz' }, { path: '/healthz' }]
  return {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthenticationConfiguration',
    anonymous: { enabled: true, conditions },
    jwt:
      trust.kind === 'structured'
        ? [trust.authenticator ?? entraTokens(trust.identityProvider)]
        : [],
  }
}

/**
 * Entra's v1 tokens: their issuer is not where the keys are. People are named as AKS names them, and
 * the token's `uti` is kept for the audit log. Names that are the cluster's own are refused.
 */
function entraTokens(identityProvider: ClusterIdentityProvider): object {
  const { issuer, audience, tenantId, discoveryUrl, certificateAuthority } = identityProvider
  return {
    issuer: {
      url: issuer,
      ...(discoveryUrl !== undefined && { discoveryURL: discoveryUrl }),
      ...(certificateAuthority !== undefined && { certificateAuthority }),
      audiences: [audience],
    },
    claimValidationRules: [{ claim: 'tid', requiredValue: tenantId }],
    claimMappings: {
      username: { expression: 'has(claims.upn) ? claims.upn : claims.oid' },
      groups: { expression: 'has(claims.groups) ? claims.groups : []' },
      uid: { expression: 'claims.oid' },
      extra: [{ key: TOKEN_ID_EXTRA, valueExpression: "has(claims.uti) ? claims.uti : ''" }],
    },
    userValidationRules: [
      {
        expression: "!user.username.startsWith('system:')",
        message: 'names with system: are reserved',
      },
      {
        expression: "user.groups.all(group, !group.startsWith('system:'))",
        message: 'groups with system: are reserved',
      },
    ],
  }
}

function webhookFlags(kubeconfig: string): string[] {
  return [
    `--authentication-token-webhook-config-file=${kubeconfig}`,
    '--authentication-token-webhook-version=v1',
    // The default is two minutes, for which a token would outlive its `exp`.
    '--authentication-token-webhook-cache-ttl=10s',
  ]
}

function webhookKubeconfig(server: string, certificateAuthority: string): object {
  const authorityData = Buffer.from(certificateAuthority).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'webhook', cluster: { server, 'certificate-authority-data': authorityData } },
    ],
    users: [],
    contexts: [{ name: 'webhook', context: { cluster: 'webhook', user: '' } }],
    'current-context': 'webhook',
  }
}

/**
 * One event for each finished request of anybody but the API server itself. Of a request that it
 * could not authenticate there is only `ResponseStarted`; of others that would be a second event.
 */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: ['system:apiserver'] },
    {
      level: 'Metadata',
      userGroups: ['system:authenticated', 'system:unauthenticated'],
      omitStages: ['ResponseStarted'],
    },
    { level: 'Metadata' },
  ],
}
