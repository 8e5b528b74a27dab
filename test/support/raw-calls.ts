import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { Client } from 'undici'

const ANSWER = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: 'x'.repeat(970) } })

/** An MCP server on a bare socket, so that next to nothing of a call's cost is its own. */
export function startRawUpstream(t: TestContext): Promise<string> {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: session-1\r\nContent-Length: ${ANSWER.length}\r\n\r\n`
  const answer = Buffer.from(head + ANSWER)
  return listen(
    t,
    createServer((socket) => {
      let read = 0
      let most = Number.POSITIVE_INFINITY
      socket
        .on('error', () => undefined)
        .on('data', (piece) => {
          if (read === 0) {
            const end = piece.indexOf('\r\n\r\n') + 4
            const length = /content-length: (\d+)/i.exec(piece.toString('latin1', 0, end))?.[1]
            most = end + Number(length ?? 0)
          }
          read += piece.length
          if (read < most) return
          read = 0
          socket.write(answer)
        })
    }),
  )
}

/** What any proxy of Node pays: node:http in, undici out, nothing looked at. */
export function startPlainProxy(t: TestContext, upstream: string): Promise<string> {
  const { origin, pathname } = new URL(upstream)
  const client = new Client(origin)
  t.after(() => client.destroy())
  const server = createHttpServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const headers = ['authorization', request.headers.authorization ?? '']
      const body = Buffer.concat(pieces)
      client.dispatch(
        { path: pathname, method: 'POST', headers, body },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_controller, status) => response.writeHead(status),
          onResponseData: (_controller, piece) => response.write(piece),
          onResponseEnd: () => response.end(),
          onResponseError: () => response.destroy(),
        },
      )
    })
  })
  return listen(t, server)
}

async function listen(t: TestContext, server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

/**
 * Calls over one kept connection, one after the other, with the same bytes each time.
 *
 * @param headers lines, without those of the body
 * @returns makes so many calls, and gives the last answer's head
 */
export async function rawCaller(
  t: TestContext,
  url: string,
  { headers, body }: { readonly headers: readonly string[]; readonly body: string },
): Promise<(count: number) => Promise<string>> {
  const { hostname, port, host, pathname } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  const lines = [`POST ${pathname} HTTP/1.1`, `Host: ${host}`, ...headers]
  const length = `Content-Length: ${Buffer.byteLength(body)}`
  const call = Buffer.from(`${[...lines, length].join('\r\n')}\r\n\r\n${body}`)
  return (count) =>
    new Promise((resolve, reject) => {
      let left = count
      let whole = ''
      const take = (piece: Buffer): void => {
        whole += piece.toString('latin1')
        if (!whole.startsWith('HTTP/1.1 200')) reject(new Error(whole))
        if (!whole.includes(ANSWER)) return
        left -= 1
        if (left === 0) {
          socket.off('data', take)
          resolve(whole.slice(0, whole.indexOf('\r\n\r\n')))
        } else {
          whole = ''
          socket.write(call)
        }
      }
      socket.on('data', take)
      socket.write(call)
    })
}
