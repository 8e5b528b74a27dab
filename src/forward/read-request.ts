import type { FastifyRequest } from 'fastify'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { type McpBody, readMcpBody } from './body/mcp-message.ts'
import { differingHeader, mayBatch } from './body/mirrored-headers.ts'
import { type ClientHeaders, readClientHeaders } from './request-headers.ts'

/** A request as it is judged, and as it goes up. */
export interface ReadRequest {
  /** What goes up: exactly the bytes that were read. Empty but for POST. */
  readonly bytes: Buffer
  readonly body: McpBody
  readonly headers: Extract<ClientHeaders, { kind: 'headers' }>
  /** A header that says another call than the body (MCP 2026-07-28: JSON-RPC error -32020). */
  readonly differs?: 'Mcp-Method' | 'Mcp-Name'
}

const NOTHING = Buffer.alloc(0)

/**
 * Reads what a request asks for, a large body in several turns of the event loop. GET and DELETE have no body for MCP: one that came is dropped, since
 * an upstream that reads it would act on what nobody here has read.
 *
 * @param mostMessages `limits.batch_messages`
 * @throws ErrorAnswer 400 for what is malformed or could be read in two ways
 */
export function readRequest(
  request: FastifyRequest,
  tokenHeader: string,
  mostMessages: number,
): ReadRequest | Promise<ReadRequest> {
  const isPost = request.method === 'POST'
  const bytes = isPost && Buffer.isBuffer(request.body) ? request.body : NOTHING
  const headers = readClientHeaders(request.raw.rawHeaders, bytes.length > 0, tokenHeader)
  if (headers.kind === 'malformed')
    throw malformed(headers.problem, `invalid_request:${headers.fault}`)
  const body = readMcpBody(bytes, mostMessages)
  if (!(body instanceof Promise)) return judged({ bytes, body, headers })
  return body.then((read) => judged({ bytes, body: read, headers }))
}

/** Holds the body against what the headers say of it; without a body they say nothing. */
function judged(read: ReadRequest): ReadRequest {
  const { body, bytes, headers } = read
  if (body.kind === 'malformed') throw malformed(body.problem, body.limit ?? 'invalid_request:body')
  if (body.kind === 'messages' && body.batch && !mayBatch(headers.mirrored)) {
    throw malformed(
      'JSON-RPC batches are for MCP-Protocol-Version 2025-03-26 and none later.',
      'invalid_request:batch',
    )
  }
  const differs = bytes.length === 0 ? undefined : differingHeader(headers.mirrored, body)
  return differs === undefined ? read : { ...read, differs }
}

/** @param reason for the log */
function malformed(description: string, reason: string): ErrorAnswer {
  return new ErrorAnswer({ status: 400, error: 'invalid_request', description, reason })
}
