/** What one client posts to the registration endpoint, and what comes of it. */
export interface ClientRegistration {
  readonly client: string
  /** What the operator has to allow for it. */
  readonly redirectUris: readonly string[]
  readonly body: Readonly<Record<string, unknown>>
  /** Where it is then answered, which is not always what it registered. */
  readonly answeredAt: readonly string[]
}

const code = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
const publicClient = { ...code, token_endpoint_auth_method: 'none' }

/** The clients of mcp-authorization.md §3.3, and HolmesGPT. */
export const registrations: readonly ClientRegistration[] = [
  {
    client: 'Claude Code',
    redirectUris: ['loopback'],
    body: {
      client_name: 'Claude Code (prod)',
      redirect_uris: ['http://localhost:53290/callback'],
      ...publicClient,
    },
    answeredAt: ['http://localhost:53290/callback', 'http://localhost:47975/callback'],
  },
  {
    client: 'claude.ai',
    redirectUris: ['claude'],
    body: {
      client_name: 'Claude',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
      ...code,
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'mcp',
    },
    answeredAt: ['https://claude.ai/api/mcp/auth_callback'],
  },
  {
    client: 'VS Code',
    redirectUris: ['vscode'],
    body: {
      client_name: 'Visual Studio Code',
      client_uri: 'https://code.visualstudio.com',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [
        'https://insiders.vscode.dev/redirect',
        'https://vscode.dev/redirect',
        'http://127.0.0.1/',
        'http://127.0.0.1:33418/',
      ],
      scope: 'mcp',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    answeredAt: [
      'https://vscode.dev/redirect',
      'http://127.0.0.1:33418/',
      'http://127.0.0.1:51234/',
      'http://127.0.0.1:51234',
    ],
  },
  {
    client: 'Cursor',
    redirectUris: ['cursor'],
    body: {
      client_name: 'Cursor',
      redirect_uris: [
        'cursor://anysphere.cursor-mcp/oauth/callback',
        'https://www.cursor.com/agents/mcp/oauth/callback',
        'http://localhost:8787/callback',
      ],
      ...publicClient,
    },
    answeredAt: [
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
      'http://localhost:8787/callback',
    ],
  },
  {
    client: 'ChatGPT',
    redirectUris: ['chatgpt'],
    body: {
      client_name: 'ChatGPT',
      redirect_uris: ['https://chatgpt.com/connector/oauth/vG3-MLZWUV83'],
      ...code,
      token_endpoint_auth_method: 'client_secret_basic',
    },
    answeredAt: ['https://chatgpt.com/connector/oauth/vG3-MLZWUV83'],
  },
  {
    client: 'ChatGPT (legacy)',
    redirectUris: ['chatgpt'],
    body: {
      client_name: 'ChatGPT',
      redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
      ...publicClient,
    },
    answeredAt: ['https://chatgpt.com/connector_platform_oauth_redirect'],
  },
  {
    client: 'Codex',
    redirectUris: ['loopback'],
    body: {
      client_name: 'Codex',
      redirect_uris: ['http://127.0.0.1:43117/callback/6MFBM1In3Ey-'],
      ...publicClient,
      application_type: 'native',
    },
    answeredAt: ['http://127.0.0.1:43117/callback/6MFBM1In3Ey-'],
  },
  {
    client: 'Copilot CLI',
    redirectUris: ['loopback'],
    body: {
      client_name: 'GitHub Copilot CLI',
      redirect_uris: ['http://127.0.0.1:40211/'],
      ...publicClient,
      application_type: 'native',
    },
    answeredAt: ['http://127.0.0.1:40211/', 'http://127.0.0.1:40212/'],
  },
  {
    client: 'opencode',
    redirectUris: ['loopback'],
    body: {
      redirect_uris: ['http://127.0.0.1:19876/mcp/oauth/callback'],
      client_name: 'OpenCode',
      client_uri: 'https://opencode.ai',
      ...publicClient,
    },
    answeredAt: ['http://127.0.0.1:19876/mcp/oauth/callback'],
  },
  {
    client: 'Gemini CLI',
    redirectUris: ['loopback'],
    body: {
      client_name: 'Gemini CLI MCP Client',
      redirect_uris: ['http://localhost:7777/oauth/callback'],
      ...publicClient,
      scope: '',
    },
    answeredAt: ['http://localhost:7777/oauth/callback'],
  },
  {
    client: 'Zed',
    redirectUris: ['loopback'],
    body: {
      client_name: 'Zed',
      redirect_uris: ['http://127.0.0.1:38017/callback'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    answeredAt: ['http://127.0.0.1:38017/callback'],
  },
  {
    client: 'Junie',
    redirectUris: ['loopback'],
    body: { client_name: 'Junie', redirect_uris: ['http://localhost:63342/oauth/callback'] },
    answeredAt: ['http://localhost:63342/oauth/callback'],
  },
  {
    client: 'Warp',
    redirectUris: ['loopback'],
    body: {
      client_name: 'Warp',
      redirect_uris: ['http://127.0.0.1:41873/mcp/oauth2callback'],
      ...publicClient,
    },
    answeredAt: ['http://127.0.0.1:41873/mcp/oauth2callback'],
  },
  {
    client: 'Inspector (web)',
    redirectUris: ['loopback'],
    body: {
      redirect_uris: ['http://localhost:6274/oauth/callback'],
      ...publicClient,
      client_name: 'MCP Inspector',
      client_uri: 'https://github.com/modelcontextprotocol/inspector',
      scope: 'mcp',
    },
    answeredAt: ['http://localhost:6274/oauth/callback'],
  },
  {
    client: 'Inspector (CLI)',
    redirectUris: ['loopback'],
    body: {
      redirect_uris: ['http://127.0.0.1:6276/oauth/callback'],
      ...publicClient,
      client_name: 'MCP Inspector',
      application_type: 'native',
    },
    answeredAt: ['http://127.0.0.1:6276/oauth/callback'],
  },
  {
    client: 'mcp-remote',
    redirectUris: ['loopback'],
    body: {
      redirect_uris: ['http://localhost:3334/oauth/callback'],
      ...publicClient,
      client_name: 'MCP CLI Proxy',
      client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
      software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      software_version: '0.15.1',
      scope: 'mcp',
    },
    answeredAt: ['http://localhost:3334/oauth/callback', 'http://localhost:21405/oauth/callback'],
  },
  {
    client: 'the TypeScript SDK v1',
    redirectUris: ['loopback'],
    body: {
      client_name: 'a client',
      redirect_uris: ['http://127.0.0.1:8090/callback'],
      ...code,
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'mcp',
    },
    answeredAt: ['http://127.0.0.1:8090/callback'],
  },
  {
    client: 'the Python SDK 2',
    redirectUris: ['loopback'],
    body: {
      redirect_uris: ['http://localhost:3030/callback'],
      token_endpoint_auth_method: 'client_secret_basic',
      ...code,
      scope: 'mcp',
      client_name: 'a client',
      application_type: 'native',
      contacts: null,
      jwks: null,
    },
    answeredAt: ['http://localhost:3030/callback'],
  },
  {
    client: 'HolmesGPT',
    redirectUris: ['loopback'],
    body: {
      client_name: 'HolmesGPT (k8s)',
      redirect_uris: ['http://127.0.0.1:38139/callback'],
      ...publicClient,
    },
    answeredAt: ['http://127.0.0.1:38139/callback'],
  },
  {
    client: 'HolmesGPT (page)',
    redirectUris: ['robusta'],
    body: {
      client_name: 'HolmesGPT',
      redirect_uris: ['https://platform.robusta.dev/oauth/callback.html'],
      ...publicClient,
    },
    answeredAt: ['https://platform.robusta.dev/oauth/callback.html'],
  },
  {
    client: 'the C# SDK',
    redirectUris: ['loopback'],
    body: {
      redirect_uris: ['http://localhost:1179/callback'],
      ...code,
      token_endpoint_auth_method: 'client_secret_post',
      client_name: 'a client',
      scope: 'mcp',
    },
    answeredAt: ['http://localhost:1179/callback'],
  },
  {
    client: 'the Go SDK',
    redirectUris: ['loopback'],
    body: {
      client_name: 'a client',
      redirect_uris: ['http://127.0.0.1:8089/callback'],
      ...code,
    },
    answeredAt: ['http://127.0.0.1:8089/callback'],
  },
]
