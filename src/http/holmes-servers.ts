import { stringify } from 'yaml'
import type { Config } from '../config/config.ts'

/**
 * The `mcp_servers` of HolmesGPT for a configuration in relay mode, as YAML: every resource, and what
 * HolmesGPT cannot discover.
 *
 * @param origin where HolmesGPT reaches us, without a trailing slash
 */
export function holmesServers(
  { resources, identity_provider: { client_id } }: Pick<Config, 'resources' | 'identity_provider'>,
  origin: string,
): string {
  // An empty text and no key are two things to HolmesGPT: without the key it sends its url.
  const oauth = { enabled: true, client_id, resource: '' }
  const servers = resources.map(({ name, path }) => [
    name,
    { config: { mode: 'streamable-http', url: `${origin}${path}`, oauth } },
  ])
  const options = { lineWidth: 0, aliasDuplicateObjects: false }
  return stringify({ mcp_servers: Object.fromEntries(servers) }, options).trimEnd()
}
