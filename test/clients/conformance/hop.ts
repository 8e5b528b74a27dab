import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Hop {
  readonly url: string
  close(): void
}

/**
 * Starts a hop on loopback that adds a bearer to every request: the conformance suite cannot send
 * one. A Host that is the hop's own becomes the target's; everything else passes as it is, header
 * lines in their order and spelling, other Hosts, streams, and the end of either side.
 */
export async function startHop(target: string, token: string): Promise<Hop> {
  const { hostname, port, host: targetHost, pathname } = new URL(target)
  let ownHost = ''
  const headersOf = ({ rawHeaders }: IncomingMessage): string[] => {
    const lines = rawHeaders.map((value, i) => {
      const isOwnHost = rawHeaders[i - 1]?.toLowerCase() === 'host' && value === ownHost
      return i % 2 === 1 && isOwnHost ? targetHost : value
    })
    return [...lines, 'Authorization', `Bearer ${token}`]
  }
  const server = createServer((incoming, answer) => {
    const outgoing = httpRequest({
      hostname,
      port,
      method: incoming.method,
      path: incoming.url,
      headers: headersOf(incoming),
      agent: false,
    })
    outgoing.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 0, response.statusMessage, response.rawHeaders)
      answer.flushHeaders()
      response.pipe(answer)
      response.on('error', () => answer.destroy())
    })
    outgoing.on('error', () => answer.destroy())
    answer.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ownHost = `localhost:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${ownHost}${pathname}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
