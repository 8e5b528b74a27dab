import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** A request as it came over a socket. */
export interface RawRequest {
  readonly head: string
  readonly body: string
}

/** What the upstream does with a request; it may write whatever it likes, or nothing. */
export type Behaviour = (socket: Socket, request: RawRequest) => void

export interface RawUpstream {
  readonly url: string
  /** The open connections. */
  readonly sockets: ReadonlySet<Socket>
}

/** An upstream whose answers are written byte by byte; it is closed with the test. */
export async function startRawUpstream(t: TestContext, behave: Behaviour): Promise<RawUpstream> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      for (let next = takeRequest(received); next; next = takeRequest(received)) {
        received = next.rest
        behave(socket, next.request)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `http://localhost:${(server.address() as AddressInfo).port}/mcp`, sockets }
}

function takeRequest(text: string): { request: RawRequest; rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const head = text.slice(0, end)
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  const from = end + 4
  if (text.length < from + length) return undefined
  return {
    request: { head, body: text.slice(from, from + length) },
    rest: text.slice(from + length),
  }
}

/** A whole answer with a right length. */
export function rawAnswer(body: string, headers = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`
}
