import type { RequestListener, ServerResponse } from 'node:http'
import type { Received, RecordingUpstream } from './recording-upstream.ts'

/** A JSON-RPC answer without its id, or whatever is to be done with the response. */
export type Scripted = Readonly<Record<string, unknown>> | ((response: ServerResponse) => void)

/** What an MCP server answers, by method. */
export interface Script {
  readonly initialize?: Scripted
  readonly list?: Scripted
  call?(credential: string | undefined): Scripted
  readonly events?: boolean
  readonly sessionId?: string
}

export const tool = (name: string, over: Record<string, unknown> = {}) => {
  return { name, inputSchema: { type: 'object' }, ...over }
}

export const listing = (...tools: readonly Record<string, unknown>[]) => ({ result: { tools } })
export const success = { result: { content: [{ type: 'text', text: 'NAMESPACE NAME' }] } }
export const failure = (text: string) => {
  return { result: { isError: true, content: [{ type: 'text', text }] } }
}
export const status = (code: number, headers: Record<string, string> = {}) => {
  return (response: ServerResponse): void => {
    response.writeHead(code, headers).end()
  }
}

const initialized = {
  result: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    serverInfo: { name: 'scripted', version: '1' },
  },
}

/** Lets a recording upstream answer as an MCP server. */
export function followScript(upstream: RecordingUpstream, script: Script): void {
  upstream.answerWith(listenerOf(upstream, script))
}

function listenerOf(upstream: RecordingUpstream, script: Script): RequestListener {
  return (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(405).end()
      return
    }
    if (request.method === 'DELETE') {
      response.writeHead(204).end()
      return
    }
    const message = bodyOf(upstream.received.at(-1))
    if (message.id === undefined) {
      response.writeHead(202).end()
      return
    }
    const credential = request.headers.authorization
    const answers: Readonly<Record<string, Scripted>> = {
      initialize: script.initialize ?? initialized,
      'tools/list': script.list ?? listing(tool('namespaces_list')),
      'tools/call': script.call?.(credential) ?? success,
    }
    const answer = answers[message.method] ?? status(404)
    if (typeof answer === 'function') answer(response)
    else send(response, { jsonrpc: '2.0', id: message.id, ...answer }, script)
  }
}

function send(response: ServerResponse, message: object, { events, sessionId }: Script): void {
  const text = JSON.stringify(message)
  response.writeHead(200, {
    'content-type': events ? 'text/event-stream; charset=utf-8' : 'application/json',
    ...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
  })
  const notification = '{"jsonrpc":"2.0","method":"notifications/message","params":{}}'
  if (events) response.write(`: hello\r\nevent: message\r\ndata: ${notification}\r\n\r\n`)
  response.end(events ? `id: 7\r\ndata: ${text}\r\n\r\n` : text)
}

/** The JSON-RPC message of a request. */
export function bodyOf(received: Received | undefined): {
  readonly id?: unknown
  readonly method: string
  readonly params?: Record<string, unknown>
} {
  return JSON.parse(received?.body.toString() || '{"method":""}')
}
