import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Lease } from '../../forward/upstream/upstream-connections.ts'
import { credentialOf, userAgent } from '../../forward/upstream-headers.ts'
import { isClientHeader } from '../../net/header-names.ts'
import { EventCount } from './event-count.ts'
import type { PermittedMember } from './member.ts'

/** What one call to a member is made with. */
export interface MemberFetchParts extends PermittedMember {
  readonly version: string
  readonly requestId: string
  /** `traceparent` and `tracestate` of the request that this call is made for. */
  readonly trace: ReadonlyMap<string, string>
  /** Of one answer; beyond, it is cut. */
  readonly mostBytes: number
  /** Whether a stream without a call (GET) may be opened. */
  readonly isStream?: boolean | undefined
  onBegin(): void
  onStatus?: ((status: number) => void) | undefined
  /** What went wrong below MCP. */
  onFailure(failure: TransportFailure): void
  /** The answer to a POST has ended: what has not come by now will not. */
  onEnded(): void
}

/** Why there is no answer of the MCP server's. */
export type TransportFailure = 'unreachable' | 'sign_in_needed' | 'forbidden' | 'too_large'

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/**
 * The way of the MCP SDK's requests to one member: on that member's own connections, with the headers
 * that may pass and exactly one credential, the permit's. Redirects are not followed, so that no token
 * goes elsewhere. Streams of their own (GET) are not opened: answers come with their calls.
 */
export function memberFetch(parts: MemberFetchParts): Fetch {
  return async (_url, init = {}) => {
    if (init.method === 'GET' && !parts.isStream) return new Response(null, { status: 405 })
    parts.onBegin()
    const lease = parts.member.upstream.connections.lease()
    try {
      return answerOf(await send(parts, init, lease), lease, parts)
    } catch (error) {
      lease.destroy(error instanceof Error ? error : new Error('the request failed'))
      if (init.signal?.aborted !== true) parts.onFailure('unreachable')
      throw error
    }
  }
}

function send(
  parts: MemberFetchParts,
  { method, headers, body, signal }: RequestInit,
  { client }: Lease,
): Promise<Dispatcher.ResponseData> {
  return client.request({
    path: parts.member.upstream.path,
    method: method === 'DELETE' || method === 'GET' ? method : 'POST',
    headers: headersOf(parts, new Headers(headers)),
    body: typeof body === 'string' ? body : null,
    signal: signal ?? null,
  })
}

const WITHOUT_BODY = [204, 205, 304]

function answerOf(
  answer: Dispatcher.ResponseData,
  lease: Lease,
  parts: MemberFetchParts,
): Response {
  const { statusCode: status, body } = answer
  parts.onStatus?.(status)
  const failure = failureOf(status)
  if (failure !== undefined) parts.onFailure(failure)
  body.once('close', () => {
    if (body.readableEnded) lease.release()
    else lease.destroy(new Error('the answer was not read to its end'))
    parts.onEnded()
  })
  body.on('error', () => parts.onFailure('unreachable'))
  const stream = Readable.toWeb(
    bounded(body, isEvents(answer), parts),
  ) as ReadableStream<Uint8Array>
  const hasBody = !WITHOUT_BODY.includes(status)
  if (!hasBody) body.resume()
  return new Response(hasBody ? stream : null, {
    status: failure === undefined ? status : 502,
    headers: passedBack(answer.headers),
  })
}

function isEvents({ headers }: Dispatcher.ResponseData): boolean {
  return String(headers['content-type']).toLowerCase().includes('event-stream')
}

function headersOf(parts: MemberFetchParts, given: Headers): string[] {
  const { member, permit, version, requestId, trace } = parts
  const headers = new Map(trace)
  for (const [name, value] of given) if (isClientHeader(name, true)) headers.set(name, value)
  headers.set('user-agent', userAgent(version, requestId))
  const credential = credentialOf(permit, member.resource)
  if (credential) headers.set(...credential)
  return [...headers].flat()
}

/**
 * A 401, a redirect or what a gateway says of a server that is away is never handed to the SDK as it
 * came: it would sign in by itself, or go where it is sent.
 */
function failureOf(status: number): TransportFailure | undefined {
  if (status === 401) return 'sign_in_needed'
  if (status === 403) return 'forbidden'
  if ((status >= 300 && status < 400) || status >= 500) return 'unreachable'
  return undefined
}

const PASSED_BACK = ['content-type', 'mcp-session-id', 'mcp-protocol-version']

/** A session's id is kept for long. */
const LONGEST_HEADER = 1024

function passedBack(received: NodeJS.Dict<string | string[]>): Headers {
  const headers = new Headers()
  for (const name of PASSED_BACK) {
    const value = received[name]
    if (typeof value === 'string' && value.length <= LONGEST_HEADER) headers.set(name, value)
  }
  return headers
}

/** Each costs the SDK a turn, and one that floods would hold up everybody's requests. */
const MOST_EVENTS = 10_000

function bounded(
  body: Readable,
  isStream: boolean,
  { mostBytes, onFailure }: MemberFetchParts,
): Readable {
  const events = new EventCount()
  let bytes = 0
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (isStream) events.push(chunk)
    if (bytes <= mostBytes && events.count <= MOST_EVENTS) return
    onFailure('too_large')
    body.destroy(new Error('the answer is too large'))
  })
  body.pause()
  return body
}
