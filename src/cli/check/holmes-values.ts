import { stringify } from 'yaml'
import type { Config, ProviderCredential, RelayConfig } from '../../config/config.ts'
import { protectedResources } from '../../config/protected-resources.ts'
import { holmesServers } from '../../http/home/holmes-servers.ts'
import { sharedTokenEndpoint } from '../../oauth/metadata/own-endpoints.ts'
import { callbackUrl } from '../../sign-in/broker-context.ts'
import { exactRedirectUris } from '../../sign-in/clients/redirect-uris.ts'

/**
 * What the operator writes into the values of HolmesGPT for this configuration, whole, what is
 * registered at the identity provider, and the URLs for clients; in words and YAML.
 *
 * @returns lines without a comment sign; none in off, where users bring tokens of their own
 */
export function holmesValues(config: Config): readonly string[] {
  const { sign_in: signIn, identity_provider: provider } = config
  if (signIn.mode === 'off') return []
  return [
    'The values of HolmesGPT for this configuration (chart robusta/holmes; in robusta/robusta below holmes:):',
    '',
    ...stringify(OWN_WAYS_OFF).trimEnd().split('\n'),
    ...holmesServers(config, originForHolmes(config)).split('\n'),
    '',
    ownWaysReason,
    ...(signIn.mode === 'relay' ? relayReasons(config) : []),
    '',
    provider.kind === 'entra'
      ? 'Redirect URIs to register in the app registration, platform Web:'
      : 'Redirect URIs to register for the client at the identity provider:',
    ...(signIn.mode === 'broker' ? [`  ${callbackUrl(config)}`] : redirectUris(signIn)),
    ...(signIn.mode === 'broker' ? ['', ...clientUrls(config)] : []),
  ]
}

/** HolmesGPT's own ways into the cluster, in the pod's name and not the user's. */
const OWN_WAYS_OFF = {
  toolsets: {
    'kubernetes/core': { enabled: false },
    'kubernetes/logs': { enabled: false },
    bash: { enabled: false },
  },
  mcpAddons: {
    kubernetes: { enabled: false },
    kubernetesRemediation: { enabled: false },
  },
} as const

const ownWaysReason =
  "Its own toolsets and add-ons are off: with any of them on, everybody reads what the pod's ServiceAccount may read, whoever signed in."

function clientUrls(config: Config): readonly string[] {
  return [
    'URLs for MCP clients, which sign in by themselves:',
    ...protectedResources(config).map(({ name, path }) => `  ${name}: ${config.public_url}${path}`),
  ]
}

/** HolmesGPT runs in the cluster: by the name there, where one is configured. */
function originForHolmes({ internal_hosts: hosts, public_url: url, tls, sign_in }: Config): string {
  const [internal] = hosts
  // In broker its users' browsers go to public_url, and so may it.
  if (internal === undefined || sign_in.mode === 'broker') return url
  return `${tls === undefined ? 'http' : 'https'}://${internal}`
}

function relayReasons(config: Config): readonly string[] {
  const { credential, kind } = config.identity_provider
  const token = sharedTokenEndpoint(config.public_url)
  const apart = originForHolmes(config) !== config.public_url
  return [
    kind === 'entra'
      ? 'resource: "" because HolmesGPT else sends its url as `resource`, which Entra refuses beside a scope of another application (AADSTS9010010).'
      : 'resource: "" because HolmesGPT else sends its url as `resource`, which identity providers refuse that do not know it.',
    withoutSecret[credential.kind],
    'No authorization_url and no token_url: with both HolmesGPT reads no metadata and asks for no scope.',
    ...(apart ? [`HolmesGPT must reach ${token} too: metadata is made of public_url.`] : []),
  ]
}

const held =
  'No client_secret: rolecall holds the credential, and HolmesGPT would copy it out of the cluster.'
const withoutSecret: Readonly<Record<ProviderCredential['kind'], string>> = {
  none: 'No client_secret: rolecall has none either, the client is public.',
  secret: held,
  certificate: held,
  federated_token: held,
}

function redirectUris({ redirect_uris: entries }: RelayConfig): readonly string[] {
  const uris = exactRedirectUris(entries).map((uri) => `  ${uri}`)
  if (uris.length > 0) return uris
  return ['  none is named; for the Robusta UI write sign_in.redirect_uris = ["robusta"]']
}
