import type { FastifyReply, FastifyRequest } from 'fastify'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import type { RequestRecord } from '../observe/record.ts'
import type { RequestLog } from '../observe/request-log.ts'
import { jsonRpcRefusal } from './body/json-rpc-refusal.ts'
import type { McpBody } from './body/mcp-message.ts'
import { TooMany } from './too-many.ts'

/** What was thrown for a body that was read, before anything of it went up. */
export interface Refused {
  readonly body: McpBody
  readonly error: unknown
  readonly requestLog: RequestLog
}

/**
 * Answers what refused a request, each call of it with its audit line.
 *
 * @throws what was thrown, where the answer is not one inside MCP
 */
export function answerRefused(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, error, requestLog }: Refused,
): void {
  if (!(error instanceof ErrorAnswer)) throw error
  if (!(error instanceof TooMany && error.isCall)) {
    auditRefusal(request.record, error, requestLog)
    throw error
  }
  reply.headers(error.headers)
  const text = jsonRpcRefusal(body, error.message)
  refuseInJsonRpc(request, reply, requestLog, { reason: error.reason, status: 200, text })
}

function auditRefusal(record: RequestRecord, answer: ErrorAnswer, log: RequestLog): void {
  record.reason = answer.reason
  record.decision = answer.status >= 500 ? 'unavailable' : 'refuse'
  void log.audit(record)?.catch(() => undefined) // no effect follows that could wait for it
}

export interface JsonRpcRefusal {
  readonly reason: string
  readonly status: 200 | 400
  /** Absent: nothing waits for an answer. */
  readonly text: string | undefined
}

/** Answers inside MCP, the audit lines first. */
export function refuseInJsonRpc(
  { record }: FastifyRequest,
  reply: FastifyReply,
  requestLog: RequestLog,
  { reason, status, text }: JsonRpcRefusal,
): void {
  record.reason = reason
  void requestLog.audit(record)?.catch(() => undefined) // no effect follows that could wait for it
  reply.header('cache-control', 'no-store')
  if (text === undefined) reply.code(202).send()
  else reply.code(status).type('application/json').send(text)
}
