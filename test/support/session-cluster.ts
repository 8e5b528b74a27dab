import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
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
  /** Every request, in order. */
  readonly requests: readonly SessionRequest[]
  /** The servers of the sessions that live, by id. */
  readonly sessions: ReadonlyMap<string, McpServer>
  /** Streams (GET) that are open. */
  streams(): number
}

export interface SessionRequest {
  readonly method: string
  readonly session: string
  readonly bearer: string
  /** The method of its message. */
  readonly rpc: string
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
  const requests: SessionRequest[] = []
  const sessions = new Map<string, McpServer>()
  const transports = new Map<string, StreamableHTTPServerTransport>()
  let streams = 0
  const begin = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        sessions.set(id, server)
        transports.set(id, transport)
      },
      onsessionclosed: (id) => {
        sessions.delete(id)
        transports.delete(id)
      },
    })
    const server = create()
    await server.connect(transport as Transport)
    return transport
  }
  const http = createServer(async (request, response) => {
    bearers.push(request.headers.authorization)
    const body = await bodyOf(request)
    if (typeof body?.method === 'string') methods.push(body.method)
    const id = String(request.headers['mcp-session-id'] ?? '')
    const { method = '', headers } = request
    const bearer = String(headers.authorization ?? '')
    requests.push({ method, session: id, bearer, rpc: String(body?.method ?? '') })
    if (method === 'GET') {
      streams += 1
      response.once('close', () => {
        streams -= 1
      })
    }
    const transport = id === '' ? await begin() : transports.get(id)
    if (transport === undefined) response.writeHead(404).end()
    else await transport.handleRequest(request, response, body)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(async () => {
    http.closeAllConnections()
    http.close()
    // What one still waits for would keep the process for its minute.
    for (const server of sessions.values()) await server.close()
  })
  const { port } = http.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/mcp`
  return { url, methods, bearers, requests, sessions, streams: () => streams }
}

async function bodyOf(
  request: IncomingMessage,
): Promise<{ readonly method?: unknown } | undefined> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined
}
