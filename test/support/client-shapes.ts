import type { RegisteredClient } from '../../src/config/config.ts'
import { registrations } from './registrations.ts'

/** How a client writes the resource that it asks a token for. */
export type Spelling = 'url' | 'url/' | 'origin' | 'origin/' | 'none'

/** A parameter set to `undefined` is left out. */
type Parameters = Readonly<Record<string, string | undefined>>

/** What a client posts to the registration endpoint. */
type Metadata = Readonly<Record<string, unknown>>

/** How a client becomes known. */
export type Introduction =
  /** By the registration of this name in `registrations.ts`, or by this one. */
  | { readonly registers: string | Metadata }
  /** By a document on a host of `client_metadata_hosts`; `members` are put over a common one. */
  | { readonly publishes: { readonly path: string; readonly members: Metadata } }
  /** By the operator, at these exact URIs or presets. */
  | { readonly configured: readonly string[]; readonly secret?: string }

/** What is known of the requests of one client that cannot run here. */
export interface ClientShape {
  readonly client: string
  /** What of its requests others stumble over. */
  readonly rule: string
  /** What `sign_in.redirect_uris` has to have for it. */
  readonly redirectUris: readonly string[]
  readonly introduction: Introduction
  /** Where it wants to be answered, this time. */
  readonly answeredAt: string
  /** What it tries besides the documents that it uses: `GET /path` and the status. */
  readonly probes?: Readonly<Record<string, number>>
  /** Default: by the challenge and the resource's metadata. */
  readonly finds?: 'the server at the root'
  readonly resource: {
    readonly authorize: Spelling
    readonly token: Spelling
    readonly refresh: Spelling
  }
  /** Further parameters of its authorize request. */
  readonly authorize?: Parameters
  /**
   * How it shows itself at the token endpoint; a client without a secret shows an empty one.
   * Default: by its id in the form.
   */
  readonly shows?: 'secret in the form' | 'Basic, with the id in the form' | 'Basic'
  /** Further parameters of its refresh. */
  readonly refresh?: Parameters
  /** `sign_in.issuer_parameter`. Default: as there, on. */
  readonly issuerParameter?: boolean
  /** The web page that it is. */
  readonly page?: {
    readonly origin: string
    /** It discovers, redeems and calls itself; otherwise a server does, after it registered. */
    readonly worksAlone: boolean
  }
}

const everywhere = (spelling: Spelling): ClientShape['resource'] => ({
  authorize: spelling,
  token: spelling,
  refresh: spelling,
})

const MCP_SCOPE = { scope: 'mcp' }
const loopbackCallbacks = ['http://127.0.0.1/callback', 'http://localhost/callback']

/** The rows of mcp-authorization.md §3.3. */
export const clientShapes: readonly ClientShape[] = [
  {
    client: 'Claude Code, registered',
    rule: 'a slash behind the resource, prompt=consent, no scope, another port than registered',
    redirectUris: ['loopback'],
    introduction: { registers: 'Claude Code' },
    answeredAt: 'http://localhost:47975/callback',
    resource: everywhere('url/'),
    authorize: { prompt: 'consent' },
  },
  {
    client: 'Claude Code, by its metadata document',
    rule: 'loopback without a port in the document, the origin as resource',
    redirectUris: ['loopback'],
    introduction: {
      publishes: {
        path: '/oauth/claude-code-client-metadata',
        members: { redirect_uris: loopbackCallbacks },
      },
    },
    answeredAt: 'http://localhost:57313/callback',
    resource: { authorize: 'origin/', token: 'origin', refresh: 'origin/' },
    authorize: { ...MCP_SCOPE, prompt: 'consent' },
  },
  {
    client: 'Claude Code, with a client id of the operator',
    rule: 'any port, no resource, as its older versions; a 404 at /register has to be JSON',
    redirectUris: ['claude'],
    introduction: { configured: ['loopback'] },
    answeredAt: 'http://localhost:8080/callback',
    probes: { 'POST /register': 404, 'POST /oauth/register': 404 },
    finds: 'the server at the root',
    resource: everywhere('none'),
    authorize: { scope: 'openid profile offline_access', prompt: 'consent' },
  },
  {
    client: 'claude.ai and Desktop, registered',
    rule: 'S256 and the resource as it was typed; asks for a secret and goes on without one',
    redirectUris: ['claude'],
    introduction: { registers: 'claude.ai' },
    answeredAt: 'https://claude.ai/api/mcp/auth_callback',
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'claude.ai and Desktop, by its metadata document',
    rule: 'uses one only where `none` is offered, too; the callback on claude.com',
    redirectUris: ['claude'],
    introduction: {
      publishes: {
        path: '/oauth/mcp-oauth-client-metadata',
        members: {
          redirect_uris: [
            'https://claude.ai/api/mcp/auth_callback',
            'https://claude.com/api/mcp/auth_callback',
          ],
        },
      },
    },
    answeredAt: 'https://claude.com/api/mcp/auth_callback',
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'claude.ai and Desktop, with a client of the operator',
    rule: 'its secret in the form, whatever else is offered',
    redirectUris: ['loopback'],
    introduction: { configured: ['claude'], secret: 'a-secret-that-the-operator-chose' },
    answeredAt: 'https://claude.ai/api/mcp/auth_callback',
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
    shows: 'secret in the form',
  },
  {
    client: 'VS Code, registered',
    rule: 'registers a fixed port and then uses another, without the path',
    redirectUris: ['vscode'],
    introduction: { registers: 'VS Code' },
    answeredAt: 'http://127.0.0.1:51234',
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'VS Code, by its metadata document',
    rule: 'answered at vscode.dev, which goes on to the address in the state',
    redirectUris: ['vscode'],
    introduction: {
      publishes: {
        path: '/oauth/client-metadata.json',
        members: { redirect_uris: ['https://vscode.dev/redirect', 'http://127.0.0.1:33418/'] },
      },
    },
    answeredAt: 'https://vscode.dev/redirect',
    resource: everywhere('url'),
    authorize: {
      ...MCP_SCOPE,
      state: 'vscode://dynamicauthprovider/localhost/authorize?nonce=a%2Fb%3D&windowId=1',
    },
  },
  {
    client: 'Cursor',
    rule: 'three addresses at once, one of a private scheme',
    redirectUris: ['cursor'],
    introduction: { registers: 'Cursor' },
    answeredAt: 'cursor://anysphere.cursor-mcp/oauth/callback',
    resource: everywhere('url'),
  },
  {
    client: 'ChatGPT, registered',
    rule: 'an address for each connection; looks for the server at the path of the resource',
    redirectUris: ['chatgpt'],
    introduction: { registers: 'ChatGPT' },
    answeredAt: 'https://chatgpt.com/connector/oauth/vG3-MLZWUV83',
    probes: { 'GET /.well-known/oauth-authorization-server/mcp': 200 },
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'ChatGPT, registered at its older address',
    rule: 'one address for all connections',
    redirectUris: ['chatgpt'],
    introduction: { registers: 'ChatGPT (legacy)' },
    answeredAt: 'https://chatgpt.com/connector_platform_oauth_redirect',
    resource: everywhere('url'),
  },
  {
    client: 'ChatGPT, by its metadata document',
    rule: 'prefers to prove itself with a key, and falls back to `none`',
    redirectUris: ['chatgpt'],
    introduction: {
      publishes: {
        path: '/oauth/kDmjx77UnKOM/client.json',
        members: {
          redirect_uris: ['https://chatgpt.com/connector/oauth/kDmjx77UnKOM'],
          token_endpoint_auth_method: 'private_key_jwt',
          token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
          token_endpoint_auth_signing_alg: 'RS256',
          jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
        },
      },
    },
    answeredAt: 'https://chatgpt.com/connector/oauth/kDmjx77UnKOM',
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'Codex, registered',
    rule: 'a slash behind the resource, no scope, a path of its own for each server',
    redirectUris: ['loopback'],
    introduction: { registers: 'Codex' },
    answeredAt: 'http://127.0.0.1:43117/callback/6MFBM1In3Ey-',
    resource: everywhere('url/'),
  },
  {
    client: 'Codex, by its metadata document',
    rule: 'uses it only where iss is offered, too',
    redirectUris: ['loopback'],
    introduction: {
      publishes: {
        path: '/oauth/codex/client.json',
        members: { redirect_uris: loopbackCallbacks, application_type: 'native' },
      },
    },
    answeredAt: 'http://127.0.0.1:37819/callback',
    resource: everywhere('url/'),
  },
  {
    client: 'Codex 0.143 and 0.144',
    rule: 'loses iss and insists on it where it is offered, so that it must not be',
    redirectUris: ['loopback'],
    introduction: { registers: 'Codex' },
    answeredAt: 'http://127.0.0.1:43117/callback/6MFBM1In3Ey-',
    resource: everywhere('url/'),
    issuerParameter: false,
  },
  {
    client: 'Copilot CLI',
    rule: 'the root of a loopback port that it had not registered, no scope, a strict issuer',
    redirectUris: ['loopback'],
    introduction: { registers: 'Copilot CLI' },
    answeredAt: 'http://127.0.0.1:40212/',
    resource: everywhere('url'),
  },
  {
    client: 'opencode, registered',
    rule: 'prompt=consent, a strict issuer',
    redirectUris: ['loopback'],
    introduction: { registers: 'opencode' },
    answeredAt: 'http://127.0.0.1:19876/mcp/oauth/callback',
    resource: everywhere('url'),
    authorize: { ...MCP_SCOPE, prompt: 'consent' },
  },
  {
    client: 'opencode, by its metadata document',
    rule: 'uses one only where `none` is offered, too; it has to list where it listens',
    redirectUris: ['loopback'],
    introduction: {
      publishes: {
        path: '/oauth/opencode/client.json',
        members: { redirect_uris: ['http://127.0.0.1/mcp/oauth/callback'] },
      },
    },
    answeredAt: 'http://127.0.0.1:19876/mcp/oauth/callback',
    resource: everywhere('url'),
    authorize: { ...MCP_SCOPE, prompt: 'consent' },
  },
  {
    client: 'Gemini CLI',
    rule: 'asks with HEAD first, and for the scope on refresh, too',
    redirectUris: ['loopback'],
    introduction: { registers: 'Gemini CLI' },
    answeredAt: 'http://localhost:7777/oauth/callback',
    probes: { 'HEAD /mcp': 405 },
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
    refresh: MCP_SCOPE,
  },
  {
    client: 'Zed, registered',
    rule: 'registers for codes alone and refreshes all the same',
    redirectUris: ['loopback'],
    introduction: { registers: 'Zed' },
    answeredAt: 'http://127.0.0.1:38017/callback',
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'Zed, by its metadata document',
    rule: 'loopback without a port in the document',
    redirectUris: ['loopback'],
    introduction: {
      publishes: {
        path: '/oauth/client-metadata.json',
        members: { redirect_uris: ['http://127.0.0.1/callback'] },
      },
    },
    answeredAt: 'http://127.0.0.1:27523/callback',
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'Warp in a terminal',
    rule: 'no resource at all',
    redirectUris: ['loopback'],
    introduction: { registers: 'Warp' },
    answeredAt: 'http://127.0.0.1:41873/mcp/oauth2callback',
    resource: everywhere('none'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'Junie and JetBrains',
    rule: 'a 401 on anything well-known ends it',
    redirectUris: ['loopback'],
    introduction: { registers: 'Junie' },
    answeredAt: 'http://localhost:63342/oauth/callback',
    probes: {
      'GET /.well-known/oauth-protected-resource/mcp': 200,
      'GET /.well-known/openid-configuration/mcp': 200,
      'GET /mcp/.well-known/openid-configuration': 200,
      'GET /mcp/.well-known/oauth-authorization-server': 404,
    },
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'M365 Copilot, with a client of the operator',
    rule: 'a secret in the form, an https address, no resource',
    redirectUris: ['loopback'],
    introduction: {
      configured: ['https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect'],
      secret: 'a-secret-that-the-operator-chose',
    },
    answeredAt: 'https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect',
    resource: everywhere('none'),
    authorize: { scope: 'mcp offline_access' },
    shows: 'secret in the form',
  },
  {
    client: 'M365 Copilot and Copilot Studio, registered',
    rule: 'an address for each tool, which the operator writes out, and no scope',
    redirectUris: ['https://global.consent.azure-apim.net/redirect/cr938-5fprod-5f43bcb8573bc3e84'],
    introduction: {
      registers: {
        client_name: 'Copilot Studio',
        redirect_uris: [
          'https://global.consent.azure-apim.net/redirect/cr938-5fprod-5f43bcb8573bc3e84',
        ],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    },
    answeredAt: 'https://global.consent.azure-apim.net/redirect/cr938-5fprod-5f43bcb8573bc3e84',
    resource: everywhere('none'),
  },
  {
    client: 'Inspector, in a browser',
    rule: 'registers, redeems and calls from a page of another port',
    redirectUris: ['loopback'],
    introduction: { registers: 'Inspector (web)' },
    answeredAt: 'http://localhost:6274/oauth/callback',
    resource: everywhere('url'),
    authorize: { ...MCP_SCOPE, prompt: 'consent' },
    page: { origin: 'http://localhost:6274', worksAlone: true },
  },
  {
    client: 'Inspector, on the command line',
    rule: '127.0.0.1 on a port of its own',
    redirectUris: ['loopback'],
    introduction: { registers: 'Inspector (CLI)' },
    answeredAt: 'http://127.0.0.1:6276/oauth/callback',
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
  },
  {
    client: 'mcp-remote up to 0.1.38',
    rule: 'looks for metadata at the root alone, asks for offline_access and prompt=consent',
    redirectUris: ['loopback'],
    introduction: { registers: 'mcp-remote' },
    answeredAt: 'http://localhost:3334/oauth/callback',
    probes: { 'GET /mcp/sse': 404, 'GET /sse': 404 },
    finds: 'the server at the root',
    resource: everywhere('none'),
    authorize: { scope: 'mcp offline_access', prompt: 'consent' },
  },
  {
    client: 'the Python SDK, where it keeps a secret',
    rule: 'Basic, also on refresh, and the resource on every request',
    redirectUris: ['claude'],
    introduction: { configured: ['loopback'], secret: 'a secret:with 100% of what Basic encodes' },
    answeredAt: 'http://localhost:3030/callback',
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
    shows: 'Basic, with the id in the form',
  },
  {
    client: 'the C# SDK',
    rule: 'no state, an empty secret in the form, the resource on refresh, too',
    redirectUris: ['loopback'],
    introduction: { registers: 'the C# SDK' },
    answeredAt: 'http://localhost:1179/callback',
    resource: everywhere('url'),
    authorize: { ...MCP_SCOPE, state: undefined },
    shows: 'secret in the form',
  },
  {
    client: 'clients on the Go SDK, registered',
    rule: 'no resource on refresh',
    redirectUris: ['loopback'],
    introduction: { registers: 'the Go SDK' },
    answeredAt: 'http://127.0.0.1:8089/callback',
    resource: { authorize: 'url', token: 'url', refresh: 'none' },
    authorize: MCP_SCOPE,
  },
  {
    client: 'clients on the Go SDK, by a metadata document',
    rule: 'the URL in Basic with an empty secret, and no id in the form',
    redirectUris: ['loopback'],
    introduction: {
      publishes: { path: '/go/client.json', members: { redirect_uris: loopbackCallbacks } },
    },
    answeredAt: 'http://127.0.0.1:8089/callback',
    resource: { authorize: 'url', token: 'url', refresh: 'none' },
    authorize: MCP_SCOPE,
    shows: 'Basic',
  },
  {
    client: 'HolmesGPT with a client of its page',
    rule: 'an empty client_id at its first refresh',
    redirectUris: ['robusta'],
    introduction: { registers: 'HolmesGPT (page)' },
    answeredAt: 'https://platform.robusta.dev/oauth/callback.html',
    probes: { 'GET /mcp/.well-known/oauth-protected-resource': 404 },
    resource: everywhere('url'),
    authorize: MCP_SCOPE,
    refresh: { client_id: '' },
    page: { origin: 'https://platform.robusta.dev', worksAlone: false },
  },
]

/** The row of this name. */
export function shapeOf(name: string): ClientShape {
  const shape = clientShapes.find(({ client }) => client === name)
  if (shape === undefined) throw new Error(`there is no row ${name}`)
  return shape
}

export function registrationOf({
  registers,
}: Extract<Introduction, { registers: unknown }>): Metadata {
  if (typeof registers !== 'string') return registers
  const registration = registrations.find(({ client }) => client === registers)
  if (registration === undefined) throw new Error(`there is no registration ${registers}`)
  return registration.body
}

export function spelled(
  { origin, url }: { readonly origin: string; readonly url: string },
  spelling: Spelling,
): string | undefined {
  return { url, 'url/': `${url}/`, origin, 'origin/': `${origin}/`, none: undefined }[spelling]
}

/** Who a client is at the token endpoint. */
export interface KnownClient {
  readonly id: string
  readonly secret?: string | undefined
}

/** Its id is one that Basic has to encode. */
export function operatorsClient({
  configured,
  secret,
}: Extract<Introduction, { configured: unknown }>): RegisteredClient {
  return {
    client_id: 'a client: of the operator',
    redirect_uris: configured,
    skip_consent: false,
    ...(secret !== undefined && { client_secret: secret }),
  }
}

/** How a client shows itself beside its `client_id`: further fields, and header lines. */
export function shownBy(
  { shows }: ClientShape,
  { id, secret = '' }: KnownClient,
): { readonly fields: Parameters; readonly lines: readonly (readonly [string, string])[] } {
  const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`
  const lines = [['Authorization', `Basic ${btoa(pair)}`]] as const
  if (shows === 'Basic') return { fields: { client_id: undefined }, lines }
  if (shows === 'Basic, with the id in the form') return { fields: {}, lines }
  return { fields: shows === undefined ? {} : { client_secret: secret }, lines: [] }
}

/** Addresses that are not the client's; a preset for loopback takes every path there. */
export function placesBeside({ answeredAt, introduction }: ClientShape): readonly string[] {
  const isFree = 'configured' in introduction && introduction.configured.includes('loopback')
  const path = isFree ? [] : [new URL('/elsewhere', answeredAt).href]
  return ['https://elsewhere.example/callback', `${answeredAt}#x`, ...path]
}
