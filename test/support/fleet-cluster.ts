import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createMcpHandler, type McpServer, type Server } from '@modelcontextprotocol/server'

/** An MCP server of the official SDK on loopback, as one cluster of a fleet. */
export interface FleetCluster {
  readonly url: string
  /** The `authorization` headers of every request, in order. */
  readonly bearers: (string | undefined)[]
  /** Every request's headers, in order. */
  readonly requests: IncomingMessage['headers'][]
  /** Streams for changes that are open (MCP 2026-07-28). */
  subscriptions(): number
  /** Tells them that the tools have changed. */
  toolsChanged(): void
}

/** What a request meets before the MCP server, such as a server that hangs. */
export type Before = (request: IncomingMessage) => Promise<number | undefined> | number | undefined

/**
 * @param create a server for one request
 * @param before returns a status to answer with instead
 */
export async function startFleetCluster(
  t: TestContext,
  create: (request: { readonly bearer: string }) => McpServer | Server,
  before: Before = () => undefined,
): Promise<FleetCluster> {
  const bearers: (string | undefined)[] = []
  const requests: IncomingMessage['headers'][] = []
  let subscriptions = 0
  const handler = createMcpHandler(({ requestInfo }) =>
    create({ bearer: requestInfo?.headers.get('authorization') ?? '' }),
  )
  const server = createServer(async (request, response) => {
    bearers.push(request.headers.authorization)
    requests.push(request.headers)
    const status = await before(request)
    if (status !== undefined) {
      response.writeHead(status).end()
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = 'GET', headers } = request
    const left = new AbortController()
    response.once('close', () => left.abort())
    if (headers['mcp-method'] === 'subscriptions/listen') {
      subscriptions += 1
      response.once('close', () => {
        subscriptions -= 1
      })
    }
    const answer = await handler.fetch(
      new Request(`http://127.0.0.1${request.url}`, {
        method,
        signal: left.signal,
        headers: Object.entries(headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]),
        ...(method === 'POST' && { body: Buffer.concat(chunks) }),
      }),
    )
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body) for await (const chunk of answer.body) response.write(chunk)
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    bearers,
    requests,
    subscriptions: () => subscriptions,
    toolsChanged: () => handler.notify.toolsChanged(),
  }
}
