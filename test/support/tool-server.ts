import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js'

export interface ToolServerOptions {
  /** What it lists; asked anew for each list, with the bearer of who asks. */
  readonly tools: (bearer: string) => readonly Tool[]
  /** Tools on one page; default: all. */
  readonly page?: number
  /** Whether clients must initialize first. */
  readonly sessions?: boolean
  /** JSON answers; default: event streams. */
  readonly json?: boolean
}

/** An MCP server on the official SDK, with tools that do nothing but say that they ran. */
export interface ToolServer {
  readonly url: string
  /** The tools that ran. */
  readonly ran: string[]
  /** `Authorization` and method of every HTTP request. */
  readonly requests: { readonly bearer: string; readonly method: string; readonly agent: string }[]
  /** How many lists were given. */
  lists(): number
}

export async function startToolServer(
  t: TestContext,
  options: ToolServerOptions,
): Promise<ToolServer> {
  const ran: string[] = []
  const requests: ToolServer['requests'] = []
  let lists = 0
  const listed = (): void => {
    lists += 1
  }
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const begin = async (bearer: string): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: options.sessions ? randomUUID : undefined,
      enableJsonResponse: options.json ?? false,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    } as ConstructorParameters<typeof StreamableHTTPServerTransport>[0])
    const server = toolServer(options, { bearer, ran, listed })
    await server.connect(transport as Transport)
    return transport
  }
  const http = createServer(async (request, response) => {
    const bearer = bearerOf(request)
    const agent = String(request.headers['user-agent'])
    requests.push({ bearer, method: request.method ?? '', agent })
    const id = String(request.headers['mcp-session-id'] ?? '')
    const transport = sessions.get(id) ?? (await begin(bearer))
    await transport.handleRequest(request, response)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  const { port } = http.address() as AddressInfo
  return { url: `http://localhost:${port}/mcp`, ran, requests, lists: () => lists }
}

interface Told {
  readonly bearer: string
  readonly ran: string[]
  listed(): void
}

function toolServer({ tools, page }: ToolServerOptions, { bearer, ran, listed }: Told): Server {
  const server = new Server(
    { name: 'tools', version: '1' },
    { capabilities: { tools: { listChanged: true } } },
  )
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    listed()
    const all = tools(bearer)
    const from = Number(params?.cursor ?? 0)
    const to = from + (page ?? all.length)
    return { tools: all.slice(from, to), ...(to < all.length && { nextCursor: String(to) }) }
  })
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    ran.push(params.name)
    return { content: [{ type: 'text', text: `ran ${params.name}` }] }
  })
  return server
}

function bearerOf({ headers }: IncomingMessage): string {
  return String(headers.authorization ?? '')
}

/** A tool as servers list it; `undefined`: without annotations. */
export function tool(name: string, readOnlyHint?: boolean): Tool {
  return {
    name,
    inputSchema: { type: 'object' },
    ...(readOnlyHint !== undefined && { annotations: { readOnlyHint } }),
  }
}
