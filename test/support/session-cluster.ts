import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'

/** An MCP server with sessions, as one cluster of a fleet. */
export interface SessionCluster {
  readonly url: string
  /** The methods of all messages, in order. */
  readonly methods: string[]
  /** The `authorization` headers of every request, in order. */
  readonly bearers: (string | undefined)[]
}

/**
 * Starts a member of revisions up to 2025-11-25, on the TypeScript SDK's version 1.
 *
 * @param create a server for one session
 */
export async function startSessionCluster(
  t: TestContext,
  create: () => McpServer,
): Promise<SessionCluster> {
  const methods: string[] = []
  const bearers: (string | undefined)[] = []
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const begin = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await create().connect(transport as Transport)
    return transport
  }
  const http = createServer(async (request, response) => {
    bearers.push(request.headers.authorization)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined
    if (typeof body?.method === 'string') methods.push(body.method)
    const id = String(request.headers['mcp-session-id'] ?? '')
    const transport = id === '' ? await begin() : sessions.get(id)
    if (transport === undefined) response.writeHead(404).end()
    else await transport.handleRequest(request, response, body)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`, methods, bearers }
}
