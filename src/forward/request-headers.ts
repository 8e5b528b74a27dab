import { canonicalHeader, isClientHeader, listHeaders } from '../net/header-names.ts'
import type { MirroredHeaders } from './body/mirrored-headers.ts'

export type ClientHeaders =
  | {
      readonly kind: 'headers'
      /** What may pass to the upstream. */
      readonly passed: ReadonlyMap<string, string>
      /** As the client sent it: bound to a user. */
      readonly sessionId?: string
      /** What the client says of its body. */
      readonly mirrored: MirroredHeaders
    }
  | {
      readonly kind: 'malformed'
      readonly problem: string
      /** In one short name, for the log. */
      readonly fault: 'repeated_header' | 'charset'
    }

const traceparent = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const tracestate = /^[\x20-\x7e]{1,512}$/

/**
 * Sorts a client's headers: what may pass, and what is read here. Everything else stays behind: an
 * allow-list needs no list of attacks (header smuggling, identity headers, `Connection` that names
 * `authorization` away). A header that counts once and came with two values is refused: each hop
 * could believe another one.
 *
 * @param rawHeaders name, value, name, value, as node:http read them
 * @param hasBody whether what describes a body passes too
 * @param tokenHeader `upstream_token_header`: never the client's to send
 */
export function readClientHeaders(
  rawHeaders: readonly string[],
  hasBody: boolean,
  tokenHeader: string,
): ClientHeaders {
  const own = canonicalHeader(tokenHeader)
  const lines = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    const value = rawHeaders[i + 1] ?? ''
    // Names that may pass are canonical themselves.
    if (!isClientHeader(name, hasBody) || name === own) continue
    if (!keep(lines, name, value)) {
      const problem = `The header ${name} was sent twice, with values that differ.`
      return { kind: 'malformed', problem, fault: 'repeated_header' }
    }
  }
  const charset = foreignCharset(lines.get('content-type'))
  if (charset) {
    const problem = 'The charset of the body must be utf-8.'
    return { kind: 'malformed', problem, fault: 'charset' }
  }
  const sessionId = lines.get('mcp-session-id')
  lines.delete('mcp-session-id')
  dropBadTrace(lines)
  return {
    kind: 'headers',
    passed: lines,
    mirrored: {
      method: lines.get('mcp-method'),
      name: lines.get('mcp-name'),
      protocolVersion: lines.get('mcp-protocol-version'),
    },
    ...(sessionId === undefined ? {} : { sessionId }),
  }
}

/**
 * Whether a content type names another encoding than the one that bodies are read in: some servers
 * decode UTF-7, in which other members stand in the same bytes (parser differential).
 */
function foreignCharset(contentType: string | undefined): boolean {
  const named = contentType?.match(/charset/gi)?.length ?? 0
  if (named === 0) return false
  return named > 1 || !/;\s*charset\s*=\s*(utf-?8|"utf-?8")\s*(;|$)/i.test(contentType ?? '')
}

/** @returns false when the header may not come twice, and did, with another value */
function keep(lines: Map<string, string>, name: string, value: string): boolean {
  const before = lines.get(name)
  if (before === undefined) lines.set(name, value)
  else if (listHeaders.has(name)) lines.set(name, `${before}, ${value}`)
  else return before === value
  return true
}

/** What is no W3C trace context is nobody's trace. */
function dropBadTrace(lines: Map<string, string>): void {
  const state = lines.get('tracestate')
  const hasTrace = traceparent.test(lines.get('traceparent') ?? '')
  if (!hasTrace) lines.delete('traceparent')
  if (state !== undefined && !(hasTrace && tracestate.test(state))) lines.delete('tracestate')
}
