import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'

export interface Hop {
  readonly url: string
  close(): void
}

/** What a hop changes beside what every hop does. */
export interface Adapter {
  request(asked: Asked): Asked
  /** What an answer's body goes through, whose length may change. */
  answer(): Transform
}

export interface Asked {
  /** Names and values by turns. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

/**
 * Starts a hop on loopback that adds a bearer to every request: the conformance suite cannot send
 * one. A Host that is the hop's own becomes the target's; everything else passes as it is, header
 * lines in their order and spelling, other Hosts, streams, and the end of either side.
 */
export async function startHop(target: string, token: string, adapter?: Adapter): Promise<Hop> {
  const { hostname, port, host: targetHost, pathname } = new URL(target)
  let ownHost = ''
  const headersOf = ({ rawHeaders }: IncomingMessage): string[] => {
    const lines = rawHeaders.map((value, i) => {
      const isOwnHost = rawHeaders[i - 1]?.toLowerCase() === 'host' && value === ownHost
      return i % 2 === 1 && isOwnHost ? targetHost : value
    })
    return [...lines, 'Authorization', `Bearer ${token}`]
  }
  const pass = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const adapted = adapter?.request({
      headers: headersOf(incoming),
      body: await buffer(incoming),
    })
    const outgoing = httpRequest({
      hostname,
      port,
      method: incoming.method,
      path: incoming.url,
      headers: adapted?.headers ?? headersOf(incoming),
      agent: false,
    })
    outgoing.on('response', (response) => {
      const { statusCode = 0, statusMessage, rawHeaders } = response
      answer.writeHead(statusCode, statusMessage, adapter ? withoutLength(rawHeaders) : rawHeaders)
      answer.flushHeaders()
      response.on('error', () => answer.destroy())
      const body = adapter ? response.pipe(adapter.answer()) : response
      body.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    answer.on('close', () => outgoing.destroy())
    if (adapted === undefined) incoming.pipe(outgoing)
    else outgoing.end(adapted.body)
  }
  const server = createServer((incoming, answer) => {
    pass(incoming, answer).catch(() => answer.destroy())
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

function withoutLength(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, i) => rawHeaders[i - (i % 2)]?.toLowerCase() !== 'content-length')
}
