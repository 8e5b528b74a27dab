import { randomUUID } from 'node:crypto'
import {
  type ClientCapabilities,
  isJSONRPCErrorResponse,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  type JSONRPCResponse,
  type RequestId,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import type { LiveExchange } from './live-exchanges.ts'

type SendOptions = Parameters<WebStandardStreamableHTTPServerTransport['send']>[1]

/** Of one call; a server that asks without end is not passed on without end. */
const MOST_QUESTIONS = 16
/** No client has this as an id: it would come back as text of ours. */
const INTRODUCTION = `rolecall-${randomUUID()}`

/**
 * One POST of a revision up to 2025-11-25, with the MCP SDK's own transport: a server made for it alone
 * is told whom it speaks with, asks its client with ids that no other call has, and is closed once
 * everything was answered.
 */
export class ExchangeTransport
  extends WebStandardStreamableHTTPServerTransport
  implements LiveExchange
{
  readonly #unanswered: Set<RequestId>
  /** By the id that the client sees. */
  readonly #questions = new Map<RequestId, RequestId>()

  /** @param requests the ids of those in the body */
  constructor(requests: Iterable<RequestId>) {
    super({})
    this.#unanswered = new Set(requests)
  }

  /** What a session began with is told again: the server of this exchange has not seen it. */
  introduce(capabilities: ClientCapabilities, protocolVersion: string): void {
    const clientInfo = { name: 'client', version: '' }
    const params = { protocolVersion, capabilities, clientInfo }
    this.onmessage?.({ jsonrpc: '2.0', id: INTRODUCTION, method: 'initialize', params })
  }

  override async send(message: JSONRPCMessage, options?: SendOptions): Promise<void> {
    if (isJSONRPCRequest(message)) return this.#ask(message, options)
    if (!isJSONRPCResultResponse(message) && !isJSONRPCErrorResponse(message)) {
      return super.send(this.#withSeenId(message), options)
    }
    if (message.id === INTRODUCTION) return undefined
    await super.send(message, options)
    if (message.id !== undefined) this.#settled(message.id)
  }

  answer(response: JSONRPCResponse): boolean {
    const id = response.id === undefined ? undefined : this.#questions.get(response.id)
    if (response.id === undefined || id === undefined) return false
    this.#questions.delete(response.id)
    this.onmessage?.({ ...response, id })
    return true
  }

  cancel(notification: JSONRPCNotification): boolean {
    const id = notification.params?.['requestId'] as RequestId | undefined
    if (id === undefined || !this.#unanswered.has(id)) return false
    this.onmessage?.(notification)
    // The SDK leaves a cancelled call without an answer, and its stream open. Its handler is told first.
    setImmediate(() => this.#settled(id))
    return true
  }

  end(): void {
    void this.close().catch(() => undefined)
  }

  async #ask(question: JSONRPCRequest, options?: SendOptions): Promise<void> {
    if (this.#questions.size >= MOST_QUESTIONS) {
      const error = { code: -32603, message: 'Too many questions are open in this call.' }
      this.onmessage?.({ jsonrpc: '2.0', id: question.id, error })
      return
    }
    const id = randomUUID()
    this.#questions.set(id, question.id)
    await super.send({ ...question, id }, options)
  }

  /** A question that is withdrawn is named as the client knows it. */
  #withSeenId(notification: JSONRPCMessage): JSONRPCMessage {
    if (!('method' in notification) || notification.method !== 'notifications/cancelled') {
      return notification
    }
    const own = notification.params?.['requestId']
    const seen = [...this.#questions].find(([, id]) => id === own)?.[0]
    if (seen === undefined) return notification
    this.#questions.delete(seen)
    return { ...notification, params: { ...notification.params, requestId: seen } }
  }

  #settled(id: RequestId): void {
    this.#unanswered.delete(id)
    if (this.#unanswered.size === 0) void this.close()
  }
}
