import { stringify } from 'smol-toml'
import { formatListenAddress } from './address.ts'
import type { Config, ResourceConfig } from './config.ts'
import { formatDuration } from './duration.ts'
import { describeCertificates } from './pem.ts'
import { settings } from './settings.ts'

const mask = '********'
const durations = new Set(
  settings.filter(({ kind }) => kind === 'duration').map(({ path }) => path.at(-1)),
)

/**
 * Writes the effective configuration as TOML, with the keys of a file. Secrets are masked;
 * certificates are told by subject and fingerprint, so that those lines cannot be read back.
 */
export function formatConfig(config: Config): string {
  const { tls, files: _files, identity_provider: provider, resources, ...rest } = config
  const { certificate_authority: authority, ...plainProvider } = provider
  return `${stringify({
    ...written(rest),
    listen: formatListenAddress(config.listen),
    admin_listen: formatListenAddress(config.admin_listen),
    sealing_keys: config.sealing_keys.map(() => mask),
    ...(tls && certificateAndKey('tls', tls)),
    identity_provider: {
      ...written(plainProvider),
      ...(authority && { certificate_authority: describeCertificates(authority) }),
    },
    limits: written(config.limits),
    resource: resources.map(writtenResource),
  })}\n`
}

function writtenResource(resource: ResourceConfig): Record<string, unknown> {
  const {
    upstream_certificate_authority: authority,
    upstream_client_certificate: client,
    allowed_clients: clients,
    ...rest
  } = resource
  return {
    ...written(rest),
    allowed_clients: clients === 'any' ? ['*'] : clients,
    ...(authority && { upstream_certificate_authority: describeCertificates(authority) }),
    ...(client && certificateAndKey('upstream_client', client)),
  }
}

function certificateAndKey(name: string, pair: { readonly certificate: string }) {
  return { [`${name}_certificate`]: describeCertificates(pair.certificate), [`${name}_key`]: mask }
}

/** Durations as people write them. */
function written(table: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [
      key,
      durations.has(key) && typeof value === 'number' ? formatDuration(value) : value,
    ]),
  )
}
