import type { McpBody, McpMessage } from './mcp-message.ts'

/** JSON-RPC's range for a server's own errors; -32003 is ours for "refused by policy". */
const REFUSED_BY_POLICY = -32003

/**
 * The answer to messages of a user whom policy refuses: inside MCP, since clients throw the body
 * of a 4xx away and some log people out on one. A tool call gets a result that the model reads.
 *
 * @param description one plain sentence for that reader
 * @returns the JSON body of a 200; `undefined` when nothing waits for an answer (202)
 */
export function jsonRpcRefusal(body: McpBody, description: string): string | undefined {
  if (body.kind !== 'messages') return undefined
  const answers = body.messages
    .filter((message) => message.id !== undefined && message.method !== undefined)
    .map((message) => answerTo(message, description))
  if (answers.length === 0) return undefined
  return JSON.stringify(body.batch ? answers : answers[0])
}

function answerTo(message: McpMessage, description: string): object {
  const { id, method } = message
  if (method === 'tools/call') {
    const content = [{ type: 'text', text: description }]
    return { jsonrpc: '2.0', id, result: { content, isError: true } }
  }
  return { jsonrpc: '2.0', id, error: { code: REFUSED_BY_POLICY, message: description } }
}
