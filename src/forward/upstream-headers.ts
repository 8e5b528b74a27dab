import type { Permit } from '../access/authorize.ts'
import type { ResourceConfig } from '../config/config.ts'
import type { Forwarding } from './forwarding.ts'
import type { ClientHeaders } from './request-headers.ts'
import { requireSessionId, type SessionOwner } from './session-id.ts'

/** What the headers of one request towards the upstream are made of. */
export interface UpstreamHeaderParts {
  readonly forwarding: Pick<Forwarding, 'resource' | 'sessionKeys' | 'version'>
  readonly permit: Permit
  /** The Authorization value that the permit was given for. */
  readonly received: string | undefined
  /** What the client may send; never what is written here. */
  readonly sent: Extract<ClientHeaders, { kind: 'headers' }>
  readonly requestId: string
  /** In place of the client's, where a span of ours stands between. */
  readonly trace: Readonly<Record<string, string>> | undefined
}

/**
 * The headers of one request.
 *
 * @returns name, value, name, value, as undici sends them
 * @throws ErrorAnswer 404 for a session id that is not this user's (session hijacking)
 */
export function upstreamHeaders(parts: UpstreamHeaderParts): string[] {
  const { forwarding, permit, received, sent, requestId, trace } = parts
  const { resource, sessionKeys, version } = forwarding
  const headers: string[] = []
  // Whatever the token's header is called, one value goes up under it, and that is the token.
  const put = (name: string, value: string): void => {
    if (name !== resource.upstream_token_header) headers.push(name, value)
  }
  for (const [name, value] of sent.passed) {
    // What the client said of its trace is replaced as a whole: a state belongs to its parent.
    if (trace === undefined || !isTrace(name)) put(name, value)
  }
  if (sent.sessionId !== undefined) {
    const owner = sessionOwner(resource, permit)
    put('mcp-session-id', requireSessionId(sent.sessionId, owner, sessionKeys))
  }
  put('user-agent', userAgent(version, requestId))
  for (const name in trace) put(name, trace[name] ?? '')
  const credential = credentialOf(permit, resource, received)
  if (credential) headers.push(...credential)
  return headers
}

function isTrace(name: string): boolean {
  return name === 'traceparent' || name === 'tracestate'
}

/** Whose request it is, for the audit log of the API server: it is handed on to there. */
export function userAgent(version: string, requestId: string): string {
  return `rolecall/${version} (req=${requestId})`
}

/**
 * The one credential of a permit, as name and value of a header; none where the upstream acts as itself.
 *
 * @param received the Authorization value that came, if any: where it says the same, its text is used,
 *   so that there is one of it, for as long as a stream lives
 */
export function credentialOf(
  permit: Permit,
  { upstream_token_header: name }: ResourceConfig,
  received?: string,
): readonly [name: string, value: string] | undefined {
  if (permit.actsAs !== 'caller') return undefined
  const { bearer } = permit
  if (name !== 'authorization') return [name, bearer]
  // A slice is no copy, and `endsWith` compares character by character.
  if (received?.startsWith(SCHEME) && received.slice(SCHEME.length) === bearer) {
    return [name, received]
  }
  return [name, SCHEME + bearer]
}

const SCHEME = 'Bearer '

/** To whom a session belongs that is opened with this permit. */
export function sessionOwner(resource: ResourceConfig, permit: Permit): SessionOwner {
  const owner = { resource: resource.name, user: permit.principal.userKey }
  // Servers with a header of their own (argocd-mcp) keep the token of a session's first request: a
  // fresh token then needs a fresh session.
  if (resource.upstream_token_header === 'authorization') return owner
  return { ...owner, token: permit.principal.tokenDigest }
}
