import type { McpBody, McpMessage } from './mcp-message.ts'

/** JSON-RPC's range for a server's own errors; -32003 is ours for "refused by policy". */
const REFUSED_BY_POLICY = -32003
/** JSON-RPC 2.0 §5.1. */
const INTERNAL_ERROR = -32603
/** HeaderMismatch of MCP 2026-07-28. */
const HEADER_MISMATCH = -32020

/**
 * The answer to messages of a user whom policy refuses: inside MCP, since clients throw the body of
 * a 4xx away and some sign users out on one. A tool call gets a result that the model reads.
 *
 * @param description one plain sentence for that reader, the same for each message or its own
 * @returns the JSON body of a 200; `undefined` when nothing waits for an answer (202)
 */
export function jsonRpcRefusal(
  body: McpBody,
  description: string | ((message: McpMessage) => string),
): string | undefined {
  return answerEach(body, (message) =>
    answerTo(message, typeof description === 'string' ? description : description(message)),
  )
}

/** The answer in place of one that the upstream gave and that cannot be passed on. */
export function jsonRpcFailure(body: McpBody, description: string): string | undefined {
  const error = { code: INTERNAL_ERROR, message: description }
  return answerEach(body, ({ id = 'null' }) => answer(id, 'error', error))
}

function answerEach(body: McpBody, by: (message: McpMessage) => string): string | undefined {
  if (body.kind !== 'messages') return undefined
  const answers = body.messages
    .filter((message) => message.id !== undefined && message.method !== undefined)
    .map(by)
  if (answers.length === 0) return undefined
  return body.batch ? `[${answers.join(',')}]` : answers[0]
}

/** The body of the 400 to a request whose header says another call than its body. */
export function headerMismatch(body: McpBody, header: string): string {
  const id = body.kind === 'messages' ? body.messages[0]?.id : undefined
  const message = `The header ${header} does not say what the body says.`
  return answer(id ?? 'null', 'error', { code: HEADER_MISMATCH, message })
}

function answerTo({ id = 'null', method }: McpMessage, description: string): string {
  if (method === 'tools/call') {
    const content = [{ type: 'text', text: description }]
    return answer(id, 'result', { content, isError: true })
  }
  return answer(id, 'error', { code: REFUSED_BY_POLICY, message: description })
}

/** @param id JSON as it came, so that it goes back unchanged whatever its digits */
function answer(id: string, member: 'result' | 'error', value: object): string {
  return `{"jsonrpc":"2.0","id":${id},"${member}":${JSON.stringify(value)}}`
}
