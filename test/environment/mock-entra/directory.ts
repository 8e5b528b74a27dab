import type { KeyObject } from 'node:crypto'

/** The tenant that the mock serves unless told otherwise. */
export const defaultTenantId = 'c0de0000-0000-4000-8000-00000000ca11'

/** The "Azure Kubernetes Service AAD Server" application, the same in every tenant and cloud. */
export const aksServerId = '6dae42f8-4368-4678-94ff-3960e28e3630'

/** Microsoft Graph. */
export const graphId = '00000003-0000-0000-c000-000000000000'

/** How an address was registered; it decides what its token requests must look like. */
export type Platform = 'web' | 'public' | 'spa'

/** A workload of another issuer whose tokens stand for the app. */
export interface FederatedCredential {
  readonly issuer: string
  readonly subject: string
  readonly audience: string
  /** The issuer's public key; RS256. */
  readonly key: KeyObject
}

/** An app registration. Without any of the three credentials: a public client. */
export interface Client {
  readonly client_id: string
  readonly name: string
  readonly client_secret?: string
  /** PEM. */
  readonly certificates?: readonly string[]
  readonly federated_credentials?: readonly FederatedCredential[]
  /** On `http://localhost` and `http://127.0.0.1` the port is free, the path is not. */
  readonly redirect_uris: readonly { readonly uri: string; readonly platform: Platform }[]
  /** Where `logout` may send the browser afterwards. */
  readonly post_logout_redirect_uris?: readonly string[]
  /** The object id of its service principal, the `oid` of its app-only tokens. */
  readonly service_principal_id: string
}

/** How the client proves itself, as `appidacr` has it: not, by secret, by an assertion. */
export function authenticationClass(client: Client): '0' | '1' | '2' {
  if (client.client_secret !== undefined) return '1'
  const { certificates = [], federated_credentials: federated = [] } = client
  return certificates.length + federated.length > 0 ? '2' : '0'
}

/** An application that tokens are issued for. */
export interface ApiResource {
  readonly id: string
  /** Further names: App ID URIs. */
  readonly identifiers: readonly string[]
  /** Delegated permissions by their short names. */
  readonly permissions: readonly string[]
  /** `accessTokenAcceptedVersion`: it, not the endpoint, decides what a token looks like. */
  readonly token_version: 1 | 2
}

/** The confidential client of the documentation page, HolmesGPT's. */
export const holmes: Client = {
  client_id: '401e5000-0000-4000-8000-00000000a991',
  name: 'holmes',
  client_secret: 'holmes-mock-secret~not-a-real-one',
  service_principal_id: '401e5000-0000-4000-8000-000000005e21',
  redirect_uris: [
    { uri: 'http://localhost/oauth/callback', platform: 'web' },
    { uri: 'http://127.0.0.1/oauth/callback', platform: 'web' },
    { uri: 'http://localhost/oauth/callback.html', platform: 'web' },
    { uri: 'http://127.0.0.1/oauth/callback.html', platform: 'web' },
    { uri: 'https://platform.robusta.dev/oauth/callback.html', platform: 'web' },
    { uri: 'https://platform.eu.robusta.dev/oauth/callback.html', platform: 'web' },
    { uri: 'https://platform.ap.robusta.dev/oauth/callback.html', platform: 'web' },
    { uri: 'https://spa.contoso.test/callback', platform: 'spa' },
  ],
  post_logout_redirect_uris: ['http://localhost/'],
}

/** The confidential client of a rolecall that signs people in itself (`sign_in.mode = "broker"`). */
export const rolecallApp: Client = {
  client_id: '401eca11-0000-4000-8000-00000000a994',
  name: 'rolecall',
  client_secret: 'rolecall-mock-secret~not-a-real-one',
  service_principal_id: '401eca11-0000-4000-8000-000000005e23',
  redirect_uris: [
    { uri: 'http://localhost/oauth/callback', platform: 'web' },
    { uri: 'http://127.0.0.1/oauth/callback', platform: 'web' },
  ],
}

/** A public client, as command line programs are. */
export const publicClient: Client = {
  client_id: '90b11c00-0000-4000-8000-00000000a992',
  name: 'command line',
  service_principal_id: '90b11c00-0000-4000-8000-000000005e22',
  redirect_uris: [
    { uri: 'http://localhost', platform: 'public' },
    { uri: 'http://127.0.0.1', platform: 'public' },
  ],
}

/** An API of our own in the tenant, whose tokens are v2. */
export const ownApi: ApiResource = {
  id: '0a910000-0000-4000-8000-00000000a993',
  identifiers: ['api://rolecall', 'https://mcp.contoso.test/mcp'],
  permissions: ['mcp.access'],
  token_version: 2,
}

/** AKS, Graph, and `ownApi`. */
export const defaultResources: readonly ApiResource[] = [
  { id: aksServerId, identifiers: [], permissions: ['user.read'], token_version: 1 },
  {
    id: graphId,
    identifiers: ['https://graph.microsoft.com'],
    permissions: ['User.Read', 'openid', 'profile', 'email'],
    token_version: 1,
  },
  ownApi,
]

/**
 * The registered address that `requested` is: the same text, but that a loopback address may have
 * any port and that no path is `/`.
 */
export function findRedirect(
  client: Client,
  requested: string,
): Client['redirect_uris'][number] | undefined {
  if (!URL.canParse(requested)) return undefined
  const wanted = withoutLoopbackPort(requested)
  return client.redirect_uris.find(({ uri }) => withoutLoopbackPort(uri) === wanted)
}

function withoutLoopbackPort(uri: string): string {
  const loopback = /^(http:\/\/(?:localhost|127\.0\.0\.1))(?::\d{1,5})?(\/.*)?$/.exec(uri)
  return loopback ? `${loopback[1]}${loopback[2] ?? '/'}` : uri
}
