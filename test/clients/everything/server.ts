import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  localhostHostValidation,
  localhostOriginValidation,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  createRequestStateCodec,
  isLegacyRequest,
  McpServer,
} from '@modelcontextprotocol/server'
import { addInputRequiredTools } from './input-required-tools.ts'
import { addPrompts, addResources } from './resources-and-prompts.ts'
import { Sessions } from './sessions.ts'
import { addAskingTools, addChangingTools, addPlainTools } from './tools.ts'

export interface EverythingServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts an MCP server on loopback that has all that the conformance suite asks of a server, built
 * on the TypeScript SDK's published packages: 2026-07-28 without sessions, earlier revisions with
 * sessions and resumable streams.
 */
export async function startEverythingServer(): Promise<EverythingServer> {
  const codec = createRequestStateCodec<{ round: number }>({ key: randomBytes(32) })
  const create = (): McpServer => {
    const server = new McpServer(
      { name: 'rolecall-everything', version: '1.0.0' },
      {
        capabilities: {
          tools: { listChanged: true },
          resources: { subscribe: true, listChanged: true },
          prompts: { listChanged: true },
          logging: {},
          completions: {},
        },
        requestState: { verify: codec.verify },
      },
    )
    addPlainTools(server)
    addAskingTools(server)
    addChangingTools(server, () => modern.notify)
    addInputRequiredTools(server, codec)
    addResources(server)
    addPrompts(server)
    server.server.setRequestHandler('resources/subscribe', () => ({}))
    server.server.setRequestHandler('resources/unsubscribe', () => ({}))
    return server
  }
  const modern = createMcpHandler(create, { legacy: 'reject' })
  const handleModern = toNodeHandler(modern)
  const sessions = new Sessions(create)
  const isOurHost = localhostHostValidation()
  const isOurOrigin = localhostOriginValidation()
  const http = createServer(async (request, response) => {
    if (!isOurHost(request, response) || !isOurOrigin(request, response)) return
    if (request.method !== 'POST') {
      await sessions.handle(request, response)
      return
    }
    const body: unknown = await readJson(request)
    if (await isLegacyRequest(await toWebRequest(request, body), body)) {
      await sessions.handle(request, response, body)
    } else await handleModern(request, response, body)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    url: `http://localhost:${port}/mcp`,
    async close() {
      await modern.close()
      await sessions.close()
      http.closeAllConnections()
      http.close()
    },
  }
}

async function readJson(request: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}
