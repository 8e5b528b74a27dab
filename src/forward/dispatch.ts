import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../access/authenticate.ts'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { admit } from './admit.ts'
import { judgeAnswer } from './answer/answer-verdict.ts'
import { type AnswerHeaders, passedHeaders } from './answer/response-headers.ts'
import { listUnreadable, upstreamRefused } from './answer/upstream-failure.ts'
import { clientResponse } from './client-response.ts'
import type { AccessDecision, Forwarding } from './forwarding.ts'
import type { ReadRequest } from './read-request.ts'
import { bindSessionId, type SessionOwner } from './session-id.ts'
import type { ListListener } from './tools/tool-gate.ts'
import { UpstreamExchange } from './upstream/upstream-exchange.ts'
import { sessionOwner, upstreamHeaders } from './upstream-headers.ts'

/** A request that access let through. */
export interface Dispatch {
  readonly forwarding: Forwarding
  readonly decision: Extract<AccessDecision, { kind: 'permit' }>
  readonly read: ReadRequest
  /** Absent: no list of tools is to be read in the answer. */
  readonly lists?: ListListener | undefined
}

/**
 * Sends a request to the upstream, its audit lines first.
 *
 * @throws ErrorAnswer for what can be said before; `TooMany` for a user with too much under way
 */
export function dispatch(request: FastifyRequest, reply: FastifyReply, work: Dispatch): void {
  const { forwarding, decision, read, lists } = work
  const { upstream, exchanges, clock, resource, requestLog } = forwarding
  const owner = admit(request, { ...work, resource: resource.name }, forwarding)
  const { permit } = decision
  const { principal } = permit
  const session = sessionOwner(resource, permit)
  const { id: requestId, record } = request
  const trace = record.trace?.forward()
  const [received] = decision.authorization()
  const sent = read.headers
  const headers = upstreamHeaders({ forwarding, permit, received, sent, requestId, trace })
  record.decision = 'allow'
  const exchange = new UpstreamExchange({
    response: clientResponse(reply),
    owner,
    open: exchanges,
    clock,
    record,
    headersTimeout: resource.response_timeout,
    keepAlive: resource.stream_keep_alive,
    begin: (status, received) =>
      begin(reply, { forwarding, owner: session, principal, status, received, lists }),
    ...(lists && { filter: (status, received) => lists.filter(status, received) }),
    fail: (answer) => reply.send(answer),
    isToolCall: permit.actsAs === 'caller' && (record.calls?.length ?? 0) > 0,
    refusedByCluster: () => forwarding.clusterRefusals.note(principal),
  })
  const send = (): void =>
    exchange.send(upstream.connections, {
      path: upstream.path,
      method: request.method as 'POST' | 'GET' | 'DELETE',
      headers,
      body: read.bytes.length === 0 ? null : read.bytes,
    })
  const written = requestLog.audit(record)
  if (written === undefined) send()
  else {
    written.then(send, () => {
      record.outcome = 'none'
      reply.send(auditUnavailable())
    })
  }
}

/** The line of a call could not be written, and `audit.before_dispatch` makes no call without. */
function auditUnavailable(): ErrorAnswer {
  return new ErrorAnswer({
    status: 503,
    error: 'temporarily_unavailable',
    description: 'The audit line of this call could not be written, so it was not made.',
    headers: { 'retry-after': '5' },
    reason: 'audit_unavailable',
  })
}

interface Beginning {
  readonly forwarding: Forwarding
  readonly owner: SessionOwner
  readonly principal: Principal
  readonly status: number
  readonly received: Parameters<typeof passedHeaders>[0]
  readonly lists: ListListener | undefined
}

function begin(reply: FastifyReply, beginning: Beginning): AnswerHeaders | undefined {
  const { forwarding, owner, principal, status, received, lists } = beginning
  reply.request.record.upstream_status = status
  const verdict = judgeAnswer(status, received)
  if (verdict.kind === 'refused') {
    reply.send(upstreamRefused(status))
    return undefined
  }
  if (verdict.kind === 'claims_wanted') {
    const { claims } = verdict
    void forwarding.wantClaims(claims, principal).then((answer) => reply.send(answer))
    return undefined
  }
  if (lists?.isUnreadable(status, received)) {
    reply.send(listUnreadable())
    return undefined
  }
  const headers = passedHeaders(received)
  if (lists) delete headers['content-length'] // what is left out is not known yet
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers[name] = String(value)
  }
  const session = received['mcp-session-id']
  if (typeof session === 'string') {
    headers['mcp-session-id'] = bindSessionId(session, owner, forwarding.sessionKeys)
  }
  reply.hijack() // last: what fails before is answered
  return headers
}
