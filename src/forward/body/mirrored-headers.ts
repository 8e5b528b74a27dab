import type { McpBody } from './mcp-message.ts'

/** What a client says of its body in headers (MCP 2026-07-28, SEP-2243). */
export interface MirroredHeaders {
  readonly method?: string | undefined
  readonly name?: string | undefined
  readonly protocolVersion?: string | undefined
}

/** The last revision that has batches; those before it have no header for their version. */
const LAST_WITH_BATCHES = '2025-03-26'

/**
 * Whether the headers say of a body what it says itself. A hop that believes `Mcp-Method` and
 * `Mcp-Name` would otherwise judge or log another call than the one that is made (request smuggling
 * by disagreement). An absent header disagrees with nothing.
 *
 * Not checked: `Mcp-Param-*`, whose arguments only a tool's schema names, and the version inside
 * `_meta`; both are the upstream's to compare.
 *
 * @returns the first header that differs
 */
export function differingHeader(
  headers: MirroredHeaders,
  body: McpBody,
): 'Mcp-Method' | 'Mcp-Name' | undefined {
  const message = body.kind === 'messages' && !body.batch ? body.messages[0] : undefined
  if (headers.method !== undefined && headers.method !== message?.method) return 'Mcp-Method'
  if (headers.name !== undefined && !headerSays(headers.name, message?.target)) return 'Mcp-Name'
  return undefined
}

/** Whether the revision that the client names has batches. */
export function mayBatch({ protocolVersion }: MirroredHeaders): boolean {
  if (protocolVersion === undefined) return true
  return /^\d{4}-\d{2}-\d{2}$/.test(protocolVersion) && protocolVersion <= LAST_WITH_BATCHES
}

/**
 * A name that is no header value comes as `=?base64?…?=`. Only canonical base64 of the same bytes
 * counts, so that no two decoders differ.
 */
export function headerSays(header: string, name: string | undefined): boolean {
  if (name === undefined) return false
  const encoded = /^=\?base64\?(.*)\?=$/.exec(header)?.[1]
  return encoded === undefined ? header === name : encoded === Buffer.from(name).toString('base64')
}
