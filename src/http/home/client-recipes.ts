/** How one MCP client is connected to one resource, for people: what to write where, and then. */
export interface ClientRecipe {
  readonly client: string
  /** Where the lines go. */
  readonly where: string
  /** To be copied as they are. */
  readonly lines: string
  readonly afterwards?: string
  /** A redirect URI that this client uses; whether it may is not judged here. */
  readonly redirectUri?: string
}

/** A resource, as a client is told of it. */
export interface ConnectedResource {
  readonly name: string
  readonly url: string
}

/** Clients that sign people in by themselves need the URL alone (mode broker). */
export function signInRecipes({ name, url }: ConnectedResource): readonly ClientRecipe[] {
  const shellUrl = shellWord(url)
  return [
    {
      client: 'Claude Code',
      where: 'In a terminal',
      lines: `claude mcp add --transport http ${name} ${shellUrl}`,
      afterwards: `In Claude Code, type /mcp, choose ${name} and authenticate.`,
      redirectUri: 'http://localhost:3118/callback',
    },
    {
      client: 'VS Code',
      where: 'In .vscode/mcp.json of a workspace, or with “MCP: Open User Configuration”',
      lines: json({ servers: { [name]: { type: 'http', url } } }),
      afterwards: 'Start the server in that file; VS Code opens the sign-in.',
      redirectUri: 'http://127.0.0.1:33418/',
    },
    {
      client: 'Cursor',
      where: 'In ~/.cursor/mcp.json',
      lines: json({ mcpServers: { [name]: { url } } }),
      afterwards: 'In the settings, under MCP, choose to sign in.',
      redirectUri: 'cursor://anysphere.cursor-mcp/oauth/callback',
    },
    {
      client: 'Codex',
      where: 'In a terminal',
      lines: `codex mcp add ${name} --url ${shellUrl}`,
      afterwards: `If no browser opens: codex mcp login ${name}`,
      redirectUri: 'http://127.0.0.1:1455/callback',
    },
    {
      client: 'Gemini CLI',
      where: 'In a terminal',
      lines: `gemini mcp add --scope user --transport http ${name} ${shellUrl}`,
      afterwards: `In Gemini CLI, type /mcp auth ${name}.`,
      redirectUri: 'http://localhost:7777/oauth/callback',
    },
    {
      client: 'MCP Inspector',
      where: 'In a terminal',
      lines: inspector(shellUrl),
      afterwards: 'It needs Node.js 22.19 or newer, and opens the sign-in only in a terminal.',
      redirectUri: 'http://127.0.0.1:6276/oauth/callback',
    },
    {
      client: 'Claude Desktop and others that start a program: mcp-remote',
      where: 'In the configuration of the client',
      lines: json({ mcpServers: { [name]: { command: 'npx', args: remote(url) } } }),
      afterwards: 'At its first start a browser opens for the sign-in.',
      redirectUri: 'http://localhost:3334/oauth/callback',
    },
  ]
}

/** For people who have an access token already, in `$TOKEN` where a line can read it from there. */
export function bearerRecipes({ name, url }: ConnectedResource): readonly ClientRecipe[] {
  const shellUrl = shellWord(url)
  const header = '--header "Authorization: Bearer $TOKEN"'
  const input = { type: 'promptString', id: 'token', description: 'Access token', password: true }
  const asked = { Authorization: `Bearer ${variable(`input:${input.id}`)}` }
  // One word: Cursor and Claude Desktop on Windows take the words of an argument apart.
  const args = [...remote(url), '--header', `Authorization:${variable('AUTHORIZATION')}`]
  const env = { AUTHORIZATION: 'Bearer <your access token>' }
  return [
    {
      client: 'Claude Code',
      where: 'In a terminal',
      lines: `claude mcp add --transport http ${name} ${shellUrl} ${header}`,
    },
    {
      client: 'VS Code',
      where: 'In .vscode/mcp.json of a workspace, or with “MCP: Open User Configuration”',
      lines: json({
        inputs: [input],
        servers: { [name]: { type: 'http', url, headers: asked } },
      }),
    },
    {
      client: 'Codex',
      where: 'In a terminal',
      lines: `codex mcp add ${name} --url ${shellUrl} --bearer-token-env-var TOKEN`,
    },
    {
      client: 'Gemini CLI',
      where: 'In a terminal',
      lines: `gemini mcp add --scope user --transport http ${name} ${shellUrl} ${header}`,
    },
    {
      client: 'MCP Inspector',
      where: 'In a terminal',
      lines: `${inspector(shellUrl)} ${header}`,
    },
    {
      client: 'Cursor, Claude Desktop and others that start a program: mcp-remote',
      where: 'In the configuration of the client, for Cursor ~/.cursor/mcp.json',
      lines: json({ mcpServers: { [name]: { command: 'npx', args, env } } }),
    },
  ]
}

function inspector(shellUrl: string): string {
  return `npx @modelcontextprotocol/inspector@2 --cli ${shellUrl} --transport http --method tools/list`
}

/** mcp-remote takes plain http off loopback only when it is told to. */
function remote(url: string): readonly string[] {
  const { protocol, hostname } = new URL(url)
  const isPlain = protocol === 'http:' && hostname !== 'localhost' && hostname !== '127.0.0.1'
  return ['-y', 'mcp-remote', url, ...(isPlain ? ['--allow-http'] : [])]
}

/** What the client replaces. */
function variable(name: string): string {
  return `\${${name}}`
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2)
}

/** What a shell would read otherwise stands in quotes: the brackets of IPv6. */
function shellWord(url: string): string {
  return /^[A-Za-z0-9:/._~-]+$/.test(url) ? url : `'${url}'`
}
