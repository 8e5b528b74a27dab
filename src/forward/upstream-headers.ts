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
  // A map: whatever the token's header is called, one value goes up under it, and that is the token.
  const headers = new Map(sent.passed)
  if (sent.sessionId !== undefined) {
    const owner = sessionOwner(resource, permit)
    headers.set('mcp-session-id', requireSessionId(sent.sessionId, owner, sessionKeys))
  }
  headers.set('user-agent', userAgent(version, requestId))
  if (trace !== undefined) handOn(trace, headers)
  const credential = credentialOf(permit, resource)
  if (credential) {
    const [name, value] = credential
    // The same text is kept once: a stream holds both for as long as it lives.
    headers.set(name, value === received ? received : value)
  }
  const flat: string[] = []
  for (const [name, value] of headers) flat.push(name, value)
  return flat
}

/** What the client said of its trace is replaced as a whole: a state belongs to its parent. */
function handOn(trace: Readonly<Record<string, string>>, headers: Map<string, string>): void {
  headers.delete('tracestate')
  for (const [name, value] of Object.entries(trace)) headers.set(name, value)
}

/** Whose request it is, for the audit log of the API server: it is handed on to there. */
export function userAgent(version: string, requestId: string): string {
  return `rolecall/${version} (req=${requestId})`
}

/**
 * The one credential of a permit, as name and value of a header; none where the upstream acts as itself.
 */
export function credentialOf(
  permit: Permit,
  { upstream_token_header: name }: ResourceConfig,
): readonly [name: string, value: string] | undefined {
  if (permit.actsAs !== 'caller') return undefined
  return [name, name === 'authorization' ? `Bearer ${permit.bearer}` : permit.bearer]
}

/** To whom a session belongs that is opened with this permit. */
export function sessionOwner(resource: ResourceConfig, permit: Permit): SessionOwner {
  const owner = { resource: resource.name, user: permit.principal.userKey }
  // Servers with a header of their own (argocd-mcp) keep the token of a session's first request: a
  // fresh token then needs a fresh session.
  if (resource.upstream_token_header === 'authorization') return owner
  return { ...owner, token: permit.principal.tokenDigest }
}
