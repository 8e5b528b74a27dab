import type { Config, ProviderCredential, RelayConfig } from '../config/config.ts'
import { holmesServers } from '../http/home/holmes-servers.ts'
import { sharedTokenEndpoint } from '../oauth/metadata/own-endpoints.ts'
import { exactRedirectUris } from '../sign-in/clients/redirect-uris.ts'

/**
 * What the operator writes into the values of HolmesGPT for this configuration, and what is registered at
 * the identity provider, in words and YAML.
 *
 * @returns lines without a comment sign; none but in relay, where HolmesGPT has to be told things
 *   that it cannot discover
 */
export function holmesValues(config: Config): readonly string[] {
  const { sign_in: signIn, identity_provider: provider } = config
  if (signIn.mode !== 'relay') return []
  return [
    'The values of HolmesGPT for this configuration:',
    '',
    ...holmesServers(config, originForHolmes(config)).split('\n'),
    '',
    ...reasons(config),
    '',
    provider.kind === 'entra'
      ? 'Redirect URIs to register in the app registration, platform Web:'
      : 'Redirect URIs to register for the client at the identity provider:',
    ...redirectUris(signIn),
  ]
}

/** HolmesGPT runs in the cluster: by the name there, where one is configured. */
function originForHolmes({ internal_hosts: hosts, public_url: url, tls }: Config): string {
  const [internal] = hosts
  if (internal === undefined) return url
  return `${tls === undefined ? 'http' : 'https'}://${internal}`
}

function reasons(config: Config): readonly string[] {
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
