/** Sent twice, these count as one list (RFC 9110 §5.2); HolmesGPT sends two `Accept` lines. */
export const listHeaders: ReadonlySet<string> = new Set(['accept', 'accept-language', 'tracestate'])

/** What describes a body, and says nothing without one. */
const ofBodies: ReadonlySet<string> = new Set(['content-type', 'mcp-method', 'mcp-name'])

const ofRequests: ReadonlySet<string> = new Set([
  ...listHeaders,
  'last-event-id',
  'mcp-protocol-version',
  'mcp-session-id',
  'traceparent',
])

/** `Mcp-Param-*` of MCP 2026-07-28. No underscore: some servers take `_` and `-` for the same. */
const parameterName = /^mcp-param-[a-z0-9-]+$/

/**
 * Whether a client may send a header of this name to an upstream: all others stay behind.
 *
 * @param name lower case
 */
export function isClientHeader(name: string, hasBody: boolean): boolean {
  if (ofRequests.has(name)) return true
  return hasBody && (ofBodies.has(name) || parameterName.test(name))
}

const isCanonical = /^[a-z0-9-]*$/

/** A header's name as servers may read it that turn it into a variable's (CGI, WSGI). */
export function canonicalHeader(name: string): string {
  return isCanonical.test(name) ? name : name.replaceAll(/[^a-z0-9]/g, '-')
}
