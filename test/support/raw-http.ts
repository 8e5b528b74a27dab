import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON; throws when it is not. */
  json(): Record<string, unknown>
}

export interface Sent {
  readonly method?: string
  /** Lines are sent as they stand: names keep their case, and may come twice. */
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string | Buffer
}

/** One request on a connection of its own, with exactly these header lines beside the Host. */
export async function send(url: string, sent: Sent = {}): Promise<Answer> {
  const { hostname, port, pathname, search, host } = new URL(url)
  const lines = sent.headers ?? []
  const named = (name: string) => lines.some(([line]) => line.toLowerCase() === name)
  const headers = [...(named('host') ? [] : ['Host', host]), ...lines.flat()]
  if (sent.body !== undefined && !named('content-length') && !named('transfer-encoding')) {
    headers.push('Content-Length', String(Buffer.byteLength(sent.body)))
  }
  const request = httpRequest({
    host: hostname,
    port,
    path: pathname + search,
    method: sent.method ?? 'GET',
    headers,
    agent: false,
  })
  request.end(sent.body)
  const [response] = await once(request, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return answer(response.statusCode, response.headers, Buffer.concat(chunks).toString())
}

/** Writes bytes as they are and reads until the server closes, or until `milliseconds` have passed. */
export async function sendBytes(url: string, bytes: string, milliseconds = 2000): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => socket.destroy())
  const timer = setTimeout(() => socket.destroy(), milliseconds)
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.write(bytes, 'latin1')
  await once(socket, 'close')
  clearTimeout(timer)
  return text
}

function answer(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  return { status, headers, text, json: () => JSON.parse(text) }
}

/** The body of a tool call. */
export function toolCall(tool: string, id: unknown = 1): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: tool, arguments: {} },
  })
}

/** A POST as MCP clients send it. */
export function post(token: string | undefined, body: string = toolCall('pods_list')): Sent {
  return {
    method: 'POST',
    headers: [
      ...(token === undefined ? [] : ([['Authorization', `Bearer ${token}`]] as const)),
      ['Content-Type', 'application/json'],
      ['Accept', 'application/json, text/event-stream'],
    ],
    body,
  }
}
