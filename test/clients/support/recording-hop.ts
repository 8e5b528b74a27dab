import { once } from 'node:events'
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it came, and its answer. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly status: number
  readonly answer: string
}

/** An ingress that writes down what passes. */
export interface RecordingHop {
  /** `http://localhost:<port>`, the `public_url` of what is behind it. */
  readonly origin: string
  /** In the order of their ends; a stream is there once it has ended. */
  readonly exchanges: readonly Exchange[]
  /** The port of what is behind it, on 127.0.0.1; until then every request is cut. */
  leadTo(port: number): void
  close(): void
}

/** Starts a hop on loopback that passes every request on as it is, `Host` too. */
export async function startRecordingHop(): Promise<RecordingHop> {
  const exchanges: Exchange[] = []
  let port: number | undefined
  const server = createServer((incoming, answer) => {
    if (port === undefined) answer.destroy()
    else void pass(incoming, answer, port).then((exchange) => exchanges.push(exchange))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    exchanges,
    leadTo(target) {
      port = target
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function pass(
  incoming: IncomingMessage,
  answer: ServerResponse,
  port: number,
): Promise<Exchange> {
  const { method = '', url: path = '', headers, rawHeaders } = incoming
  const outgoing = httpRequest({
    hostname: '127.0.0.1',
    port,
    method,
    path,
    headers: rawHeaders,
    agent: false,
  })
  const body: Buffer[] = []
  const answered: Buffer[] = []
  let status = 0
  incoming.on('data', (chunk: Buffer) => body.push(chunk))
  incoming.pipe(outgoing)
  outgoing.on('response', (response) => {
    status = response.statusCode ?? 0
    answer.writeHead(status, response.statusMessage, response.rawHeaders)
    answer.flushHeaders()
    response.on('data', (chunk: Buffer) => answered.push(chunk))
    response.on('error', () => answer.destroy())
    response.pipe(answer)
  })
  outgoing.on('error', () => answer.destroy())
  await once(answer, 'close')
  outgoing.destroy()
  return { method, path, headers, body: textOf(body), status, answer: textOf(answered) }
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString()
}
