import { type Answer, post, send, toolCall } from '../../support/raw-http.ts'

type HeaderLine = readonly [name: string, value: string]

/** Opens an MCP session; the caller's credential is in `credential`. */
export async function initialize(url: string, credential: HeaderLine): Promise<string> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'rolecall-test', version: '1' },
  }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  const answer = await sendAs(url, body, [credential])
  const id = answer.headers['mcp-session-id']
  if (answer.status !== 200 || typeof id !== 'string') {
    throw new Error(`initialize was answered ${answer.status}: ${answer.text}`)
  }
  return id
}

/** Calls a tool on a session. */
export function callOnSession(
  url: string,
  tool: string,
  session: { readonly id: string; readonly credential: HeaderLine },
): Promise<Answer> {
  return sendAs(url, toolCall(tool), [session.credential, ['Mcp-Session-Id', session.id]])
}

export const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]

function sendAs(url: string, body: string, lines: readonly HeaderLine[]): Promise<Answer> {
  const request = post(undefined, body)
  return send(url, { ...request, headers: [...(request.headers ?? []), ...lines] })
}
