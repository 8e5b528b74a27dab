import { once } from 'node:events'
import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Gateway } from './gateway.ts'
import type { RecordingUpstream } from './recording-upstream.ts'

export interface Stream {
  readonly request: ClientRequest
  readonly response: IncomingMessage
}

/** Opens a GET stream and waits for its headers. */
export async function openStream(gateway: Gateway, token: string, agent?: Agent): Promise<Stream> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  const stream = request(gateway.url, { headers, agent: agent ?? false })
  stream.on('error', () => undefined)
  stream.end()
  const [response] = (await once(stream, 'response')) as [IncomingMessage]
  response.on('error', () => undefined)
  return { request: stream, response }
}

/**
 * Lets an upstream answer GET with a silent stream, and POST at once.
 *
 * @returns for each stream what settles once its connection is closed, as they come
 */
export function answerWithSilence(upstream: RecordingUpstream): readonly Promise<unknown>[] {
  const left: Promise<unknown>[] = []
  upstream.answerWith((incoming, response) => {
    if (incoming.method === 'POST') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    left.push(once(incoming.socket, 'close'))
  })
  return left
}
