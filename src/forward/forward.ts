import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Permit } from '../access/authorize.ts'
import type { Refusal } from '../access/refusal.ts'
import type { RefusalResponse } from '../access/refusal-response.ts'
import type { Clock } from '../clock.ts'
import type { ResourceConfig } from '../config/config.ts'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import type { RequestRecord } from '../observe/record.ts'
import type { KeyRing } from '../sealing/derived-keys.ts'
import { judgeAnswer } from './answer-verdict.ts'
import { jsonRpcRefusal } from './json-rpc-refusal.ts'
import { type McpBody, type McpMessage, readMcpBody } from './mcp-message.ts'
import type { OpenStreams } from './open-streams.ts'
import { type FlatHeaders, readClientHeaders } from './request-headers.ts'
import { type AnswerHeaders, passedHeaders } from './response-headers.ts'
import { bindSessionId, openSessionId, type SessionOwner } from './session-id.ts'
import type { Upstream } from './upstream.ts'
import { UpstreamExchange } from './upstream-exchange.ts'
import { upstreamRefused } from './upstream-failure.ts'

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
  /** The answer to a refusal, with this resource's challenge. */
  refuse(refusal: Refusal): ErrorAnswer
  /** The answer that hands the upstream's wish for other claims on. */
  wantClaims(claims: string): ErrorAnswer
}

const NOTHING = Buffer.alloc(0)

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
  if (accessDecision === undefined)
    throw new Error('a request reached the forwarder without an access decision')
  const body = readBody(request)
  if (accessDecision.kind === 'policy') {
    answerByPolicy(request, reply, { answer: accessDecision.answer, body: body.mcp })
    return
  }
  dispatch(request, reply, { forwarding, permit: accessDecision.permit, body })
}

interface ReadBody {
  readonly bytes: Buffer
  readonly mcp: McpBody
}

function readBody(request: FastifyRequest): ReadBody {
  const bytes = Buffer.isBuffer(request.body) ? request.body : NOTHING
  if (request.method !== 'POST') return { bytes, mcp: { kind: 'empty' } }
  const mcp = readMcpBody(bytes)
  if (mcp.kind === 'malformed') throw malformed(mcp.problem)
  if (mcp.kind === 'messages') note(mcp.messages, request.record)
  return { bytes, mcp }
}

/** For the log: what the body calls, by the bytes that go up. */
function note(messages: readonly McpMessage[], record: RequestRecord): void {
  const methods: string[] = []
  const tools: string[] = []
  for (const { method, tool } of messages) {
    if (method !== undefined) methods.push(method)
    if (tool !== undefined) tools.push(tool)
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
  reply.header('cache-control', 'no-store')
  const text = jsonRpcRefusal(body, answer.description)
  if (text === undefined) reply.code(202).send()
  else reply.code(200).type('application/json').send(text)
}

interface Dispatch {
  readonly forwarding: Forwarding
  readonly permit: Permit
  readonly body: ReadBody
}

function dispatch(request: FastifyRequest, reply: FastifyReply, work: Dispatch): void {
  const { forwarding, permit, body } = work
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
    body: body.bytes.length === 0 ? null : body.bytes,
  })
}

/** The one place where a credential is written towards an upstream. */
function upstreamHeaders(
  request: FastifyRequest,
  work: Dispatch,
  owner: SessionOwner,
): FlatHeaders {
  const { forwarding, permit, body } = work
  const read = readClientHeaders(request.raw.rawHeaders, body.bytes.length > 0)
  if (read.kind === 'malformed') throw malformed(read.problem)
  const headers = read.passed
  if (read.sessionId !== undefined) {
    const session = openSessionId(read.sessionId, owner, forwarding.sessionKeys)
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

function malformed(description: string): ErrorAnswer {
  return new ErrorAnswer({ status: 400, error: 'invalid_request', description })
}

function noSuchSession(): ErrorAnswer {
  return new ErrorAnswer({
    status: 404,
    error: 'session_not_found',
    description: 'There is no such MCP session for this user; initialize again.',
  })
}
