import { createAuthority } from '../../environment/certificates.ts'
import type { Installation } from './installed.ts'
import { type KubernetesObject, objectOf } from './objects.ts'

const certificate = await createAuthority('Chart Test')
const pair = await certificate.issue({ names: ['rolecall'] })

/** The Secrets and ConfigMaps that presets name, by name and key. */
const HELD: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'rolecall-keys': { 'sealing-keys': 'A'.repeat(43) },
  'rolecall-client': { 'client-secret': 'hunter2' },
  'rolecall-certificate': { 'tls.crt': pair.certificate, 'tls.key': pair.key },
  'rolecall-store': {
    'redis-url': 'rediss://:hunter2@redis.example.com:6380',
    password: 'a/b+c=',
  },
  'rolecall-authority': { 'ca.crt': certificate.certificate },
}

/** The environment of rolecall's container, as far as it stands there. */
export function environmentOf(objects: readonly KubernetesObject[]): Record<string, string> {
  const pod = objectOf(objects, 'Deployment', 'rolecall').spec?.template?.spec
  const variables = (pod?.containers[0]?.['env'] ?? []) as { name: string; value?: string }[]
  return Object.fromEntries(variables.map(({ name, value = '' }) => [name, value]))
}

/**
 * What a pod of a Deployment finds in its file system, by path: what is mounted, and nothing else.
 *
 * @param others Secrets and ConfigMaps in place of those that are known
 */
export function mountedFiles(
  objects: readonly KubernetesObject[],
  others: typeof HELD = {},
  deployment = 'rolecall',
): Record<string, string> {
  const pod = objectOf(objects, 'Deployment', deployment).spec?.template?.spec
  const [container] = pod?.containers ?? []
  const files: Record<string, string> = {}
  for (const { name, mountPath } of container?.volumeMounts ?? []) {
    const volume = pod?.volumes?.find((it) => it.name === name)
    const source = volume?.secret?.secretName ?? volume?.configMap?.name ?? ''
    const own = objects.find((it) => it.kind === 'ConfigMap' && it.metadata.name === source)
    const tokens = volume?.projected?.sources.flatMap(({ serviceAccountToken: token }) =>
      token ? [[token.path, 'a.b.c'] as const] : [],
    )
    const known = { ...HELD, ...others }
    const held = own?.data ?? known[source] ?? Object.fromEntries(tokens ?? [])
    for (const [key, content] of Object.entries(held)) files[`${mountPath}/${key}`] = content
  }
  return files
}

/** What rolecall's and each MCP server's pods find, as `runInstallation` takes it. */
export function mountedInstallation(
  objects: readonly KubernetesObject[],
  others: typeof HELD = {},
): Pick<Installation, 'files' | 'mcpServers'> & { readonly files: Record<string, string> } {
  const servers = objects.filter(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name !== 'rolecall',
  )
  return {
    files: mountedFiles(objects, others),
    mcpServers: Object.fromEntries(
      servers.map(({ metadata: { name } }) => [name, mountedFiles(objects, {}, name)]),
    ),
  }
}
