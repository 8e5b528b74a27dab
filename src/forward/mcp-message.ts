import { isUtf8 } from 'node:buffer'

/** A JSON-RPC message as far as rolecall reads one: to log it, and to answer it when refused. */
export interface McpMessage {
  /** Absent: a notification or a response. As it came otherwise: a string, a number or null. */
  readonly id?: unknown
  readonly method?: string
  /** The tool of a `tools/call`. */
  readonly tool?: string
}

export type McpBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'messages'; readonly batch: boolean; readonly messages: readonly McpMessage[] }
  | { readonly kind: 'malformed'; readonly problem: string }

/**
 * Reads the messages of a POST body (JSON-RPC 2.0; a batch only in MCP 2025-03-26).
 *
 * What cannot be read is malformed whatever its content type says: a body that we cannot read but
 * the upstream could would call a tool without an audit line. A member that is named twice counts
 * as its last, as in every JSON parser that was measured. Not checked: that the message is valid
 * MCP, which is the upstream's to say.
 */
export function readMcpBody(body: Buffer): McpBody {
  if (body.length === 0) return { kind: 'empty' }
  const parsed = parse(body)
  if (parsed === undefined) {
    return { kind: 'malformed', problem: 'The body is not JSON in UTF-8.' }
  }
  const batch = Array.isArray(parsed.value)
  const items: unknown[] = Array.isArray(parsed.value) ? parsed.value : [parsed.value]
  const messages: McpMessage[] = []
  for (const item of items) {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      return { kind: 'malformed', problem: 'The body is not a JSON-RPC message.' }
    }
    messages.push(readMessage(item))
  }
  return { kind: 'messages', batch, messages }
}

function parse(body: Buffer): { readonly value: unknown } | undefined {
  if (!isUtf8(body)) return undefined
  try {
    return { value: JSON.parse(body.toString()) }
  } catch {
    return undefined
  }
}

/** Longer than any method or tool there is: log lines must not grow with a body. */
const LONGEST_NAME_CHARACTERS = 200

function readMessage(item: object): McpMessage {
  const message: { -readonly [K in keyof McpMessage]: McpMessage[K] } = {}
  if ('id' in item) message.id = item.id
  if ('method' in item && typeof item.method === 'string') {
    message.method = item.method.slice(0, LONGEST_NAME_CHARACTERS)
    if (item.method === 'tools/call') message.tool = toolOf(item)
  }
  return message
}

const UNNAMED = '(unnamed)'

function toolOf(item: object): string {
  const params = 'params' in item ? item.params : undefined
  if (typeof params !== 'object' || params === null || !('name' in params)) return UNNAMED
  return typeof params.name === 'string' ? params.name.slice(0, LONGEST_NAME_CHARACTERS) : UNNAMED
}
