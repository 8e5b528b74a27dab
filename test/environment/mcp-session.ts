import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'

/** What a tool said, and whether it said that it failed (`isError`). */
export interface ToolAnswer {
  readonly isError: boolean
  readonly text: string
}

/** One person's MCP session, by the MCP SDK's own client. */
export interface McpSession {
  listTools(): Promise<readonly string[]>
  call(tool: string, parameters: Readonly<Record<string, unknown>>): Promise<ToolAnswer>
  close(): Promise<void>
}

export interface McpSessionOptions {
  /** Sends the requests; default: the global one. */
  readonly fetch?: (url: string | URL, init?: RequestInit) => Promise<Response>
}

/**
 * Opens an MCP session over streamable HTTP, with a bearer on every request.
 *
 * @throws when the endpoint refuses the bearer or does not speak MCP
 */
export async function openMcpSession(
  url: string,
  token: string,
  options: McpSessionOptions = {},
): Promise<McpSession> {
  const client = new Client({ name: 'rolecall-demo', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    ...options,
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  // The SDK's own class does not match its interface under exactOptionalPropertyTypes.
  await client.connect(transport as Transport)
  return {
    listTools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    call: async (name, parameters) => {
      const result = await client.callTool({ name, arguments: parameters }, CallToolResultSchema)
      const { content, isError = false } = CallToolResultSchema.parse(result)
      const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
      return { isError, text }
    },
    close: async () => {
      // Ends the session at the server too; a stateless server answers 405, which the SDK takes.
      await transport.terminateSession()
      await client.close()
    },
  }
}
