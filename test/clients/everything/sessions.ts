import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node'
import type { EventStore, JSONRPCMessage, McpServer } from '@modelcontextprotocol/server'

/** Serves revisions up to 2025-11-25: a server and a transport for each session. */
export class Sessions {
  readonly #open = new Map<string, NodeStreamableHTTPServerTransport>()
  readonly #create: () => McpServer

  constructor(create: () => McpServer) {
    this.#create = create
  }

  async handle(request: IncomingMessage, response: ServerResponse, body?: unknown): Promise<void> {
    const id = request.headers['mcp-session-id']
    const transport = typeof id === 'string' ? this.#open.get(id) : await this.#begin()
    if (transport) {
      await transport.handleRequest(request, response, body)
      return
    }
    const error = { code: -32001, message: 'Session not found' }
    response.writeHead(404, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
  }

  async close(): Promise<void> {
    for (const transport of this.#open.values()) await transport.close()
  }

  async #begin(): Promise<NodeStreamableHTTPServerTransport> {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: eventStore(),
      retryInterval: 500,
      onsessioninitialized: (id) => {
        this.#open.set(id, transport)
      },
      onsessionclosed: (id) => {
        this.#open.delete(id)
      },
    })
    await this.#create().connect(transport)
    return transport
  }
}

/** What was sent on a session's streams, so that a client that returns hears the rest. */
function eventStore(): EventStore {
  const events: { readonly stream: string; readonly message: JSONRPCMessage }[] = []
  return {
    storeEvent: async (stream, message) => String(events.push({ stream, message }) - 1),
    getStreamIdForEventId: async (id) => events[Number(id)]?.stream,
    replayEventsAfter: async (lastId, { send }) => {
      const stream = events[Number(lastId)]?.stream ?? ''
      for (const [i, event] of events.entries()) {
        const isReal = Object.keys(event.message).length > 0
        if (i > Number(lastId) && event.stream === stream && isReal) {
          await send(String(i), event.message)
        }
      }
      return stream
    },
  }
}
