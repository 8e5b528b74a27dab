import type { IncomingHttpHeaders } from 'node:http'

/** An answer's headers by lower-case name. */
export type AnswerHeaders = Record<string, string>

const PASSED: ReadonlySet<string> = new Set([
  'allow',
  'content-encoding',
  'content-language',
  'content-length',
  'content-type',
  'retry-after',
])

/** MCP's own, of this revision and the next; the session id goes its own way. */
const mcpHeader = /^mcp-[a-z0-9-]+$/

const sendable = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * What of an upstream's headers reaches the client. `WWW-Authenticate`, `Set-Cookie`, `Server`, CORS
 * and everything else that is not on the list stays behind; caching is ours to say, since an answer
 * is one user's.
 */
export function passedHeaders(upstream: IncomingHttpHeaders): AnswerHeaders {
  const headers: AnswerHeaders = { 'cache-control': 'no-store' }
  for (const name in upstream) {
    if (!PASSED.has(name) && !(mcpHeader.test(name) && name !== 'mcp-session-id')) continue
    const value = upstream[name]
    const line = Array.isArray(value) ? value.join(', ') : value
    // node:http throws on what it would not send; a header is not worth an answer.
    if (line !== undefined && sendable.test(line)) headers[name] = line
  }
  if (isEventStream(upstream)) {
    headers['cache-control'] = 'no-store, no-transform'
    headers['x-accel-buffering'] = 'no' // nginx buffers events otherwise
  }
  return headers
}

/** Whether an answer is a stream of server-sent events. */
export function isEventStream(upstream: IncomingHttpHeaders): boolean {
  return /^text\/event-stream\s*(;|$)/i.test(upstream['content-type'] ?? '')
}
