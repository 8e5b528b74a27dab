import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Permit } from '../access/authorize.ts'
import type { Refusal } from '../access/refusal.ts'
import type { RefusalResponse } from '../access/refusal-response.ts'
import type { Clock } from '../clock.ts'
import type { Config, ResourceConfig } from '../config/config.ts'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import type { RequestRecord } from '../observe/record.ts'
import type { KeyRing } from '../sealing/derived-keys.ts'
import { judgeAnswer } from './answer/answer-verdict.ts'
import { type AnswerHeaders, passedHeaders } from './answer/response-headers.ts'
import { upstreamRefused } from './answer/upstream-failure.ts'
import { headerMismatch, jsonRpcRefusal } from './body/json-rpc-refusal.ts'
import type { McpBody, McpMessage } from './body/mcp-message.ts'
import type { OpenStreams } from './open-exchanges.ts'
import { type ReadRequest, readRequest } from './read-request.ts'
import type { FlatHeaders } from './request-headers.ts'
import { bindSessionId, openSessionId, type SessionOwner } from './session-id.ts'
import type { Upstream } from './upstream/upstream.ts'
import { UpstreamExchange } from './upstream/upstream-exchange.ts'

/** What access made of a request: without one of these nothing is forwarded. */
export type AccessDecision =
  | { readonly kind: 'permit'; readonly permit: Permit }
  | { readonly kind: 'policy'; readonly answer: RefusalResponse }

declare module 'fastify' {
  interface FastifyRequest {
    accessDecision: AccessDecision | undefined
  }
}

/** What forwarding to one resource works with. */
export interface Forwarding {
  readonly resource: ResourceConfig
  readonly upstream: Upstream
  readonly streams: OpenStreams
  readonly sessionKeys: KeyRing
  readonly clock: Clock
  readonly version: string
  readonly limits: Pick<Config['limits'], 'batch_messages'>
  /** The answer to a refusal, with this resource's challenge. */
  refuse(refusal: Refusal): ErrorAnswer
  /** The answer that hands the upstream's wish for other claims on. */
  wantClaims(claims: string): ErrorAnswer
}

/**
 * Forwards one request that access let through, and answers one that policy refused.
 *
 * @throws ErrorAnswer for what can be said before the upstream is asked
 */
export function forward(
  request: FastifyRequest,
  reply: FastifyReply,
  forwarding: Forwarding,
): void {
  const { accessDecision } = request
  if (accessDecision === undefined) {
    throw new Error('a request reached the forwarder without an access decision')
  }
  const { resource, limits } = forwarding
  const read = readRequest(request, resource.upstream_token_header, limits.batch_messages)
  if (read.body.kind === 'messages') note(read.body.messages, request.record)
  if (read.differs !== undefined) {
    request.record.reason = 'header_mismatch'
    answerInJsonRpc(reply, 400, headerMismatch(read.body, read.differs))
  } else if (accessDecision.kind === 'policy') {
    answerByPolicy(request, reply, { answer: accessDecision.answer, body: read.body })
  } else dispatch(request, reply, { forwarding, permit: accessDecision.permit, read })
}

/** Longer than any method or tool there is: log lines must not grow with a body. */
const LONGEST_NAME_CHARACTERS = 200

/** For the log: what the body calls, by the bytes that go up. */
function note(messages: readonly McpMessage[], record: RequestRecord): void {
  const methods: string[] = []
  const tools: string[] = []
  for (const { method, tool } of messages) {
    if (method !== undefined) methods.push(method.slice(0, LONGEST_NAME_CHARACTERS))
    if (tool !== undefined) tools.push(tool.slice(0, LONGEST_NAME_CHARACTERS))
  }
  record.methods = methods
  record.tools = tools
}

function answerByPolicy(
  request: FastifyRequest,
  reply: FastifyReply,
  refused: { readonly answer: RefusalResponse; readonly body: McpBody },
): void {
  const { answer, body } = refused
  if (request.method !== 'POST') {
    throw new ErrorAnswer({ ...answer, reason: request.record.reason ?? answer.error })
  }
  const text = jsonRpcRefusal(body, answer.description)
  if (text !== undefined) answerInJsonRpc(reply, 200, text)
  else reply.code(202).header('cache-control', 'no-store').send()
}

function answerInJsonRpc(reply: FastifyReply, status: 200 | 400, text: string): void {
  reply.code(status).header('cache-control', 'no-store').type('application/json').send(text)
}

interface Dispatch {
  readonly forwarding: Forwarding
  readonly permit: Permit
  readonly read: ReadRequest
}

function dispatch(request: FastifyRequest, reply: FastifyReply, work: Dispatch): void {
  const { forwarding, permit, read } = work
  const { upstream, streams, clock, resource } = forwarding
  const { principal } = permit
  const secondsAgo = Math.floor((clock.now() - principal.expiresAt) / 1000)
  // The body took its time to arrive: what was good then need not be now.
  if (secondsAgo >= 0) throw forwarding.refuse({ reason: 'expired', secondsAgo })

  const owner = sessionOwner(resource, permit)
  const headers = upstreamHeaders(request, work, owner)
  const listens = request.method === 'GET' || request.record.methods[0] === 'subscriptions/listen'
  const relay = new UpstreamExchange({
    response: reply.raw,
    headersTimeout: resource.response_timeout,
    begin: (status, received) => begin(reply, { forwarding, owner, status, received }),
    fail: (answer) => reply.send(answer),
    ...(listens ? { stream: { expiresAt: principal.expiresAt, open: streams } } : {}),
  })
  request.record.decision = 'allow'
  relay.send(listens ? upstream.streams : upstream.calls, {
    path: upstream.path,
    method: request.method as 'POST' | 'GET' | 'DELETE',
    headers,
    body: read.bytes.length === 0 ? null : read.bytes,
  })
}

/** The one place where a credential is written towards an upstream. */
function upstreamHeaders(
  request: FastifyRequest,
  work: Dispatch,
  owner: SessionOwner,
): FlatHeaders {
  const { forwarding, permit, read } = work
  const headers = [...read.headers.passed]
  if (read.headers.sessionId !== undefined) {
    const session = openSessionId(read.headers.sessionId, owner, forwarding.sessionKeys)
    if (session === undefined) throw noSuchSession()
    headers.push('mcp-session-id', session)
  }
  headers.push('user-agent', `rolecall/${forwarding.version} (req=${request.id})`)
  if (permit.actsAs === 'caller') {
    const name = forwarding.resource.upstream_token_header
    if (name === 'authorization') headers.push('authorization', `Bearer ${permit.bearer}`)
    else headers.push(name, permit.bearer)
  }
  return headers
}

function sessionOwner(resource: ResourceConfig, permit: Permit): SessionOwner {
  const owner = { resource: resource.name, user: permit.principal.userKey }
  // Servers with a header of their own (argocd-mcp) keep the token of a session's first request: a
  // fresh token then needs a fresh session.
  if (resource.upstream_token_header === 'authorization') return owner
  return { ...owner, token: permit.principal.tokenDigest }
}

interface Beginning {
  readonly forwarding: Forwarding
  readonly owner: SessionOwner
  readonly status: number
  readonly received: Parameters<typeof passedHeaders>[0]
}

function begin(reply: FastifyReply, beginning: Beginning): AnswerHeaders | undefined {
  const { forwarding, owner, status, received } = beginning
  reply.request.record.upstream_status = status
  const verdict = judgeAnswer(status, received)
  if (verdict.kind === 'refused') {
    reply.send(upstreamRefused(status))
    return undefined
  }
  if (verdict.kind === 'claims_wanted') {
    reply.send(forwarding.wantClaims(verdict.claims))
    return undefined
  }
  reply.hijack()
  const headers = passedHeaders(received)
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers[name] = String(value)
  }
  const session = received['mcp-session-id']
  if (typeof session === 'string') {
    headers['mcp-session-id'] = bindSessionId(session, owner, forwarding.sessionKeys)
  }
  return headers
}

function noSuchSession(): ErrorAnswer {
  return new ErrorAnswer({
    status: 404,
    error: 'session_not_found',
    description: 'There is no such MCP session for this user; initialize again.',
  })
}
