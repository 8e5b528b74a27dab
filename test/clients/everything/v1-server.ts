import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  type EventStore,
  StreamableHTTPServerTransport,
} from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { CHOICES_FORM, CONTENT, DEFAULTS_FORM, PNG, USER_FORM } from './samples.ts'
import type { EverythingServer } from './server.ts'

const STEP = 50

/**
 * Starts an MCP server as most that are deployed are built: on the TypeScript SDK's version 1, with
 * sessions and resumable streams, for revisions up to 2025-11-25.
 */
export async function startV1Server(): Promise<EverythingServer> {
  const sessions = new Map<string, Session>()
  const http = createServer(async (request, response) => {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (id !== undefined && known === undefined) return refuse(response)
    const { transport, listener } = known ?? (await begin(sessions, port(request)))
    if (request.method === 'GET') void untilHeard(response).then(() => listener.emit('open'))
    await transport.handleRequest(request, response)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    url: `http://localhost:${(http.address() as AddressInfo).port}/mcp`,
    async close() {
      for (const { transport } of sessions.values()) await transport.close()
      http.closeAllConnections()
      http.close()
    },
  }
}

/** The SDK does not say when a stream has begun; its headers do. */
async function untilHeard(response: ServerResponse): Promise<void> {
  while (!response.headersSent) await delay(5)
}

function port({ socket }: IncomingMessage): number {
  return socket.localPort ?? 0
}

function refuse(response: ServerResponse): void {
  const error = { code: -32001, message: 'Session not found' }
  response.writeHead(404, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
}

/** One client's session; `listener` tells once when its GET stream is open. */
interface Session {
  readonly transport: StreamableHTTPServerTransport
  readonly listener: EventEmitter
}

async function begin(sessions: Map<string, Session>, ownPort: number): Promise<Session> {
  const listener = new EventEmitter()
  const hosts = ['localhost', '127.0.0.1'].map((name) => `${name}:${ownPort}`)
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: eventStore(),
    retryInterval: 500,
    enableDnsRebindingProtection: true,
    allowedHosts: hosts,
    onsessioninitialized: (id) => {
      sessions.set(id, { transport, listener })
    },
    onsessionclosed: (id) => {
      sessions.delete(id)
    },
  })
  // The SDK's own class does not match its interface under exactOptionalPropertyTypes.
  await createV1Server(once(listener, 'open')).connect(transport as Transport)
  return { transport, listener }
}

function createV1Server(isHeard: Promise<unknown>): McpServer {
  const server = new McpServer(
    { name: 'rolecall-everything-v1', version: '1.0.0' },
    { capabilities: { logging: {}, completions: {}, resources: { subscribe: true } } },
  )
  addTools(server, isHeard)
  addResources(server)
  addPrompts(server)
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}))
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}))
  return server
}

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

function addTools(server: McpServer, isHeard: Promise<unknown>): void {
  for (const [name, content] of Object.entries(CONTENT)) {
    server.registerTool(name, { description: `Answers with ${name}` }, () => ({ content }))
  }
  server.registerTool('test_error_handling', { description: 'Always fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  server.registerTool(
    'test_tool_with_logging',
    { description: 'Logs three times' },
    async ({ sendNotification }) => {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool completed']) {
        await sendNotification({ method: 'notifications/message', params: { level: 'info', data } })
        await delay(STEP)
      }
      return text('Logged three times.')
    },
  )
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Reports three steps' },
    async ({ sendNotification, _meta }) => {
      for (const progress of [0, 50, 100]) {
        const params = { progressToken: _meta?.progressToken ?? 0, progress, total: 100 }
        await sendNotification({ method: 'notifications/progress', params })
        await delay(STEP)
      }
      return text('Three steps are done.')
    },
  )
  server.registerTool(
    'test_reconnection',
    { description: 'Ends its stream before it answers (SEP-1699)' },
    async ({ closeSSEStream }) => {
      closeSSEStream?.()
      await delay(2 * STEP)
      return text('Answered after the stream had ended.')
    },
  )
  addAskingTools(server, isHeard)
}

/** They ask on the stream that the client opens by GET, not on that of the call: once it is open. */
function addAskingTools(mcp: McpServer, isHeard: Promise<unknown>): void {
  mcp.registerTool(
    'test_sampling',
    { description: 'Asks the model', inputSchema: { prompt: z.string() } },
    async ({ prompt }) => {
      await isHeard
      const { content } = await mcp.server.createMessage({
        messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
        maxTokens: 100,
      })
      return text(`LLM response: ${JSON.stringify(content)}`)
    },
  )
  mcp.registerTool(
    'test_elicitation',
    { description: 'Asks the person', inputSchema: { message: z.string() } },
    async ({ message }) => {
      await isHeard
      const answer = await mcp.server.elicitInput({ message, requestedSchema: USER_FORM })
      return text(`User response: ${JSON.stringify(answer)}`)
    },
  )
  const forms = {
    test_elicitation_sep1034_defaults: DEFAULTS_FORM,
    test_elicitation_sep1330_enums: CHOICES_FORM,
  }
  for (const [name, requestedSchema] of Object.entries(forms)) {
    mcp.registerTool(name, { description: 'Asks the person by a form' }, async () => {
      await isHeard
      const answer = await mcp.server.elicitInput({ message: 'Please fill in', requestedSchema })
      return text(`Elicitation completed: ${JSON.stringify(answer)}`)
    })
  }
}

function addResources(server: McpServer): void {
  const fixed = { 'test://static-text': 'A text.', 'test://watched-resource': 'Watched.' }
  for (const [address, words] of Object.entries(fixed)) {
    const config = { description: 'A text', mimeType: 'text/plain' }
    server.registerResource(address, address, config, ({ href: uri }) => ({
      contents: [{ uri, mimeType: 'text/plain', text: words }],
    }))
  }
  const config = { description: 'A picture', mimeType: 'image/png' }
  server.registerResource('static-binary', 'test://static-binary', config, ({ href: uri }) => ({
    contents: [{ uri, mimeType: 'image/png', blob: PNG }],
  }))
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'Data by number', mimeType: 'application/json' },
    ({ href: uri }, { id }) => ({
      contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ id }) }],
    }),
  )
}

const said = (words: string) => ({
  role: 'user' as const,
  content: { type: 'text' as const, text: words },
})

function addPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'No arguments' }, () => ({
    messages: [said('This is a simple prompt for testing.')],
  }))
  const starting = (word: string) => ['paris', 'park', 'party'].filter((it) => it.startsWith(word))
  server.registerPrompt(
    'test_prompt_with_arguments',
    {
      description: 'Two arguments',
      argsSchema: { arg1: completable(z.string(), starting), arg2: z.string() },
    },
    ({ arg1, arg2 }) => ({ messages: [said(`arg1='${arg1}', arg2='${arg2}'`)] }),
  )
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'A resource in it', argsSchema: { resourceUri: z.string() } },
    ({ resourceUri: uri }) => ({
      messages: [
        {
          role: 'user',
          content: { type: 'resource', resource: { uri, mimeType: 'text/plain', text: 'It.' } },
        },
      ],
    }),
  )
  server.registerPrompt('test_prompt_with_image', { description: 'A picture in it' }, () => ({
    messages: [{ role: 'user', content: { type: 'image', data: PNG, mimeType: 'image/png' } }],
  }))
}

/** What was sent on a session's streams, so that a client that returns hears the rest. */
function eventStore(): EventStore {
  const events: { readonly stream: string; readonly message: object }[] = []
  return {
    storeEvent: async (stream, message) => String(events.push({ stream, message }) - 1),
    getStreamIdForEventId: async (id) => events[Number(id)]?.stream,
    replayEventsAfter: async (lastId, { send }) => {
      const stream = events[Number(lastId)]?.stream ?? ''
      for (const [i, event] of events.entries()) {
        const isReal = Object.keys(event.message).length > 0
        if (i > Number(lastId) && event.stream === stream && isReal) {
          await send(String(i), event.message as Parameters<typeof send>[1])
        }
      }
      return stream
    },
  }
}
