import {
  DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCNotification,
  type JSONRPCResponse,
  type RequestId,
  type Server,
} from '@modelcontextprotocol/server'
import { isJsonObject } from '../../oauth/json.ts'
import type { FleetRequest } from '../fleet-request.ts'
import { ExchangeTransport } from './exchange-transport.ts'
import type { LiveExchanges } from './live-exchanges.ts'

/** What revisions up to 2025-11-25 are served with. */
export interface EarlierParts {
  readonly live: LiveExchanges
  /** @returns a server for this one request */
  serverFor(by: FleetRequest): Promise<Server>
  openStream(request: Request, by: FleetRequest): Promise<Response>
  /** At the clusters. */
  endSession(by: FleetRequest): Promise<void>
}

/**
 * Serves one request of a revision up to 2025-11-25: a server of its own for each, so that any replica
 * can answer. What a session's requests say to each other, an answer to a question or a cancellation,
 * finds its call in this process.
 *
 * @param body parsed JSON; `undefined`: none
 */
export async function serveEarlier(
  parts: EarlierParts,
  request: Request,
  body: unknown,
  by: FleetRequest,
): Promise<Response> {
  if (request.method === 'POST') return servePost(parts, request, body, by)
  if (by.session === '') return refuse(405, -32_000, 'Method not allowed.')
  if (request.method === 'GET') return parts.openStream(request, by)
  parts.live.end(by.session)
  // Not waited for: a cluster that hangs costs nobody anything.
  void parts.endSession(by).catch(() => undefined)
  return new Response(null, { status: 204 })
}

async function servePost(
  { live, serverFor }: EarlierParts,
  request: Request,
  body: unknown,
  by: FleetRequest,
): Promise<Response> {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body]
  const requests = messages.filter((message) => isJSONRPCRequest(message)).map(({ id }) => id)
  if (by.session !== '' && !deliver(live, by.session, messages)) {
    const text = 'No call of this session waits for this answer here.'
    if (requests.length === 0) return refuse(400, -32_600, text)
  }
  const server = await serverFor(by)
  const transport = new ExchangeTransport(requests)
  await server.connect(transport)
  if (by.session !== '') server.onclose = live.add(by.session, transport)
  const end = (): void => void transport.close().catch(() => undefined)
  if (by.signal.aborted) end()
  else by.signal.addEventListener('abort', end, { once: true })
  if (!messages.some(begins)) {
    const version = request.headers.get('mcp-protocol-version')
    transport.introduce(by.abilities, version ?? DEFAULT_NEGOTIATED_PROTOCOL_VERSION)
  }
  const response = await transport.handleRequest(request, { parsedBody: body })
  for (const message of messages) if (isCancellation(message)) transport.cancel(message)
  if (requests.length === 0 || response.status !== 200) end()
  return response
}

/** @returns false when an answer in it is to nothing that was asked */
function deliver(live: LiveExchanges, session: string, messages: readonly unknown[]): boolean {
  let isKnown = true
  for (const message of messages) {
    if (isAnswer(message)) isKnown = live.answer(session, message) && isKnown
    else if (isCancellation(message)) live.cancel(session, message)
  }
  return isKnown
}

function isAnswer(message: unknown): message is JSONRPCResponse & { readonly id: RequestId } {
  return isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)
}

function isCancellation(message: unknown): message is JSONRPCNotification {
  return isJSONRPCNotification(message) && message.method === 'notifications/cancelled'
}

function begins(message: unknown): boolean {
  return isJsonObject(message) && message['method'] === 'initialize'
}

function refuse(status: number, code: number, message: string): Response {
  const error = { jsonrpc: '2.0', error: { code, message }, id: null }
  return Response.json(error, { status, ...(status === 405 && { headers: { allow: 'POST' } }) })
}
