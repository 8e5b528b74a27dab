import { stringify } from 'yaml'
import type { Config, FleetConfig, RegisteredClient } from '../../config/config.ts'
import { fleetRules } from '../../fleet/tools/instructions.ts'

/**
 * The `mcp_servers` of HolmesGPT for a configuration in mode relay or broker, as YAML: every
 * resource, or the fleet in place of those that it has, and what HolmesGPT cannot discover.
 *
 * @param origin where HolmesGPT reaches us, without a trailing slash
 */
export function holmesServers(
  { resources, fleet, identity_provider, sign_in }: HolmesSettings,
  origin: string,
): string {
  const oauth =
    sign_in.mode === 'relay'
      ? // An empty text and no key are two things to HolmesGPT: without the key it sends its url.
        { enabled: true, client_id: identity_provider.client_id, resource: '' }
      : { enabled: true, ...ownClientId(holmesClient(sign_in)) }
  // The same tools twice would leave it to the model which cluster a call reaches.
  const apart = resources.filter(({ name }) => !fleet?.members.includes(name))
  const served = fleet === undefined ? resources : [fleet.resource, ...apart]
  const servers = served.map(({ name, path }) => [
    name,
    {
      config: { mode: 'streamable-http', url: `${origin}${path}`, oauth },
      ...(fleet?.resource.name === name && { llm_instructions: instructionsOf(fleet) }),
    },
  ])
  const options = { lineWidth: 0, aliasDuplicateObjects: false }
  return stringify({ mcp_servers: Object.fromEntries(servers) }, options).trimEnd()
}

/** HolmesGPT reads no instructions of an MCP server, only those of its values. */
function instructionsOf({ fan_out: fansOut }: FleetConfig): string {
  return fleetRules({ argument: 'cluster', fansOut })
}

type HolmesSettings = Pick<Config, 'resources' | 'fleet' | 'identity_provider' | 'sign_in'>

/**
 * The client of the configuration that HolmesGPT can be in broker: a public one that is answered at
 * the Robusta UI. Without one it registers itself.
 */
export function holmesClient(signIn: Config['sign_in']): RegisteredClient | undefined {
  if (signIn.mode !== 'broker') return undefined
  return signIn.clients.find(
    ({ redirect_uris: uris, client_secret: secret }) =>
      uris.includes('robusta') && secret === undefined,
  )
}

function ownClientId(client: RegisteredClient | undefined): { readonly client_id?: string } {
  return client ? { client_id: client.client_id } : {}
}
