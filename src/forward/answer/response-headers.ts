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
    const line = lineOf(upstream[name])
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
  return mediaType(upstream) === 'text/event-stream'
}

/** The media type of an answer, without its parameters; of two that differ none counts. */
export function mediaType(upstream: IncomingHttpHeaders): string {
  // Of a header that came twice undici gives both, whatever the types of node:http say.
  const value = upstream['content-type'] as string | string[] | undefined
  const differ = Array.isArray(value) && new Set(value).size > 1
  const line = differ ? '' : (lineOf(value) ?? '')
  return (line.split(';', 1)[0] ?? '').trim().toLowerCase()
}

/** Some servers send the same line twice: their framework's, and their own. */
function lineOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? [...new Set(value)].join(', ') : value
}
