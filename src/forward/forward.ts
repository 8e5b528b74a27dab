import type { FastifyReply, FastifyRequest } from 'fastify'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { headerMismatch, jsonRpcRefusal } from './body/json-rpc-refusal.ts'
import { dispatch } from './dispatch.ts'
import type { AccessDecision, Forwarding } from './forwarding.ts'
import { noteCalls } from './note-calls.ts'
import { type ReadRequest, readRequest } from './read-request.ts'
import { answerRefused, refuseInJsonRpc } from './refuse.ts'
import type { ToolGate, ToolRefusal } from './tools/tool-gate.ts'

/**
 * Forwards one request that access let through, and answers one that policy refused.
 *
 * @throws ErrorAnswer for what can be said at once; what is found later is sent
 */
export function forward(
  request: FastifyRequest,
  reply: FastifyReply,
  forwarding: Forwarding,
): void {
  const { accessDecision: decision } = request
  if (decision === undefined) {
    throw new Error('a request reached the forwarder without an access decision')
  }
  // Its token was waited for (a new key), or its body's turn: a closed response ends no exchange.
  if (reply.raw.destroyed) return
  const { resource, limits } = forwarding
  const read = readRequest(request, resource.upstream_token_header, limits.batch_messages)
  if (read instanceof Promise) {
    read
      .then((whole) => {
        const hasLeft = reply.raw.destroyed
        if (!hasLeft) answer(request, reply, { forwarding, decision, read: whole })
      })
      .catch((error: Error) => reply.send(error))
  } else answer(request, reply, { forwarding, decision, read })
}

function answer(request: FastifyRequest, reply: FastifyReply, judged: Judged): void {
  const { forwarding, read } = judged
  const { record } = request
  record.waited_ms = performance.now() - record.judged_at
  noteCalls(read, record, forwarding.requestLog)
  attempt(request, reply, judged, conclude)
}

type Step = (request: FastifyRequest, reply: FastifyReply, judged: Judged) => void

/** Takes one step, and answers or throws what it refuses, each call with its audit line. */
function attempt(request: FastifyRequest, reply: FastifyReply, judged: Judged, step: Step): void {
  try {
    step(request, reply, judged)
  } catch (error) {
    const { forwarding, read } = judged
    answerRefused(request, reply, { ...forwarding, body: read.body, error })
  }
}

interface Judged {
  readonly forwarding: Forwarding
  readonly decision: AccessDecision
  readonly read: ReadRequest
}

/** Answers by policy, or dispatches. Each tool call has its audit line before either. */
function conclude(request: FastifyRequest, reply: FastifyReply, judged: Judged): void {
  const { forwarding, decision, read } = judged
  if (read.differs !== undefined) {
    refuseInJsonRpc(request, reply, forwarding.requestLog, {
      reason: 'header_mismatch',
      status: 400,
      text: headerMismatch(read.body, read.differs),
    })
  } else if (decision.kind === 'permit') {
    if (forwarding.tools === undefined) dispatch(request, reply, { forwarding, decision, read })
    else judgeTools(request, reply, { ...judged, decision, tools: forwarding.tools })
  } else if (request.method !== 'POST') {
    throw new ErrorAnswer({
      ...decision.answer,
      reason: request.record.reason ?? decision.answer.error,
    })
  } else {
    refuseInJsonRpc(request, reply, forwarding.requestLog, {
      reason: request.record.reason ?? decision.answer.error,
      status: 200,
      text: jsonRpcRefusal(read.body, decision.answer.description),
    })
  }
}

interface Gated extends Judged {
  readonly decision: Extract<AccessDecision, { kind: 'permit' }>
  readonly tools: ToolGate
}

/** Dispatches what tool rules allow, once they are judged: a hint may have to be asked for. */
function judgeTools(request: FastifyRequest, reply: FastifyReply, gated: Gated): void {
  const { tools, decision, forwarding, read } = gated
  const { permit } = decision
  const { body } = read
  const seen = { method: request.method, body, permit, record: request.record }
  const settle = (refusal: ToolRefusal | undefined): void => {
    if (refusal === undefined) {
      dispatch(request, reply, { forwarding, decision, read, lists: tools.listener(seen) })
    } else {
      const text = jsonRpcRefusal(body, refusal.words)
      refuseInJsonRpc(request, reply, forwarding.requestLog, {
        reason: refusal.reason,
        status: 200,
        text,
      })
    }
  }
  const refusal = tools.judge(seen)
  if (!(refusal instanceof Promise)) {
    settle(refusal)
    return
  }
  refusal
    .then((settled) => {
      const hasLeft = reply.raw.destroyed
      if (!hasLeft) attempt(request, reply, gated, () => settle(settled))
    })
    .catch((error: Error) => reply.send(error))
}
