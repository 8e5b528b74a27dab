import type { CallToolResult } from '@modelcontextprotocol/client'
import { OUTCOMES } from '../../src/fleet/tools/fan-out-answer.ts'
import type { Script } from './scripted-mcp.ts'
import { listing, success, tool } from './scripted-mcp.ts'

/** What the fleet answers to one JSON-RPC request. */
export interface FleetAnswer {
  readonly status: number
  readonly headers: Headers
  /** The JSON-RPC answer; in an event stream, the last message. */
  readonly message: {
    readonly id?: unknown
    readonly result?: Record<string, unknown>
    readonly error?: { readonly code: number; readonly message: string }
  }
}

export interface FleetAsked {
  readonly url: string
  readonly token: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** Posts one body to the fleet as clients of revisions up to 2025-11-25 do. */
export async function askFleet(
  { url, token, headers, signal }: FleetAsked,
  body: unknown,
): Promise<FleetAnswer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal && { signal }),
  })
  return { status: answer.status, headers: answer.headers, message: messageIn(await answer.text()) }
}

function messageIn(text: string): FleetAnswer['message'] {
  const events = [...text.matchAll(/^data: ?(.+)$/gm)].map(([, data]) => data)
  const last = events.at(-1) ?? text
  return last === '' ? {} : JSON.parse(last)
}

export function rpc(method: string, params: object = {}, id: unknown = 1): object {
  return { jsonrpc: '2.0', id, method, params }
}

/** Calls a tool of the fleet; what is no result of a tool is an error. */
export async function callFleet(
  asked: FleetAsked,
  name: string,
  given: Readonly<Record<string, unknown>>,
): Promise<CallToolResult> {
  const { message, status } = await askFleet(asked, rpc('tools/call', { name, arguments: given }))
  if (message.result === undefined) throw new Error(`${status} ${JSON.stringify(message)}`)
  return message.result as unknown as CallToolResult
}

/** The texts of a tool's result. */
export function textsOf({ content }: CallToolResult): readonly string[] {
  return content.map((block) => (block.type === 'text' ? block.text : block.type))
}

/** The outcome at each cluster of a call to several. */
export function outcomesOf({ _meta: meta }: CallToolResult): Record<string, string> {
  const clusters = meta?.[OUTCOMES] as Record<string, { outcome: string }>
  return Object.fromEntries(Object.entries(clusters).map(([name, { outcome }]) => [name, outcome]))
}

/** A server with one tool that reads and one that writes; `over`: what it does differently. */
export function scriptOf(over: Script = {}): Script {
  return {
    initialize: {
      result: {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'scripted', version: '1' },
      },
    },
    list: listing(tool('pods_list', { annotations: { readOnlyHint: true } }), tool('pods_delete')),
    call: () => success,
    ...over,
  }
}
