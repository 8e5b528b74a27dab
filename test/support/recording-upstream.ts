import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** A request as it arrived, header lines as they were sent. */
export interface Received {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** An upstream that keeps what it was sent. */
export interface RecordingUpstream {
  readonly url: string
  readonly received: readonly Received[]
  readonly server: Server
  /** How requests are answered from now on; default: 200 and a JSON-RPC result. */
  answerWith(listener: RequestListener): void
}

const echo: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end('{"jsonrpc":"2.0","id":1,"result":{}}')
}

/** Starts it on loopback; it is closed with the test. */
export async function startUpstream(
  t: Pick<TestContext, 'after'>,
  tls?: { readonly certificate: string; readonly key: string; readonly ca?: string },
): Promise<RecordingUpstream> {
  const received: Received[] = []
  let answer = echo
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', rawHeaders, headers } = request
      received.push({ method, url, rawHeaders, headers, body: Buffer.concat(chunks) })
      answer(request, response)
    })
  }
  const server: Server = tls
    ? createTlsServer(
        {
          cert: tls.certificate,
          key: tls.key,
          ...(tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true }),
        },
        listener,
      )
    : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls ? 'https' : 'http'}://localhost:${port}/mcp`,
    received,
    server,
    answerWith(replacement) {
      answer = replacement
    },
  }
}

/** Every value of a header among raw header lines. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_value, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
}
