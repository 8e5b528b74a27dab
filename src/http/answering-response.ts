import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { ClientResponse } from '../forward/client-response.ts'

/** Of a body that nobody reads so much is passed over, as Go's net/http does, to keep a connection. */
const PASSED_OVER_BYTES = 262_144
/** How long a client has to read its answer before the connection is closed under its body. */
const LINGER_MS = 1000

/**
 * A response that does not swallow the body of a request it refused. node:http would read all of it,
 * whatever its length, for the sake of the next request on the connection. Here a connection whose
 * body is long, or of unknown length, is closed after the answer, in a way that lets the client read
 * it (RFC 9112 §9.6): our side is shut first, a little more is read, and only then is it closed.
 *
 * What others want to do at its head or at its close waits in lists of its own: `once` of node:events
 * makes two objects each time and costs four times as much, for each of six in a call.
 */
export class AnsweringResponse<Request extends IncomingMessage = IncomingMessage>
  extends ServerResponse<Request>
  implements ClientResponse<Request>
{
  readonly #atHead: (() => void)[] = []
  readonly #atClose: (() => void)[] = []

  constructor(...made: ConstructorParameters<typeof ServerResponse<Request>>) {
    super(...made)
    this.on('close', this.runAtClose)
  }

  /** Calls `run` when the answer begins. */
  atHead(run: () => void): void {
    this.#atHead.push(run)
  }

  atClose(run: () => void): void {
    this.#atClose.push(run)
  }

  /** Its own listener: no closure for each response. */
  private runAtClose(): void {
    runAll(this.#atClose)
  }

  override writeHead(
    status: number,
    reason?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    runAll(this.#atHead)
    const rest = remainder(this.req)
    if (rest > 0) lingerBeforeClose(this.req.socket)
    if (rest > PASSED_OVER_BYTES) this.shouldKeepAlive = false
    return typeof reason === 'string'
      ? super.writeHead(status, reason, headers)
      : super.writeHead(status, reason)
  }
}

function runAll(waiting: (() => void)[]): void {
  // One at a time: what runs may add another.
  for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) run()
}

/** Of each connection, the responses that wait for one before them. */
const waiting = new WeakMap<Socket, Set<AnsweringResponse>>()

/**
 * Closes a response with its connection. node:http does so for the one that is being sent, and leaves
 * those that wait behind it (pipelining, RFC 9112 §9.3.2) open for good, with all that they hold: a
 * user's calls, room for bodies, connections to the upstream (denial of service).
 */
export function closeWithConnection(response: AnsweringResponse): void {
  if (response.socket !== null) return
  const { socket } = response.req
  const known = waiting.get(socket)
  const responses = known ?? new Set<AnsweringResponse>()
  if (known === undefined) {
    waiting.set(socket, responses)
    socket.once('close', () => {
      for (const one of responses) if (one.socket === null) closeUnsent(one)
    })
  }
  responses.add(response)
  response.atClose(() => responses.delete(response))
}

function closeUnsent(response: ServerResponse): void {
  response.destroy()
  response.emit('close')
}

/** How much of a body is to come at most, by what the request says of itself, in bytes. */
function remainder({ complete, headers }: IncomingMessage): number {
  if (complete) return 0
  if (headers['transfer-encoding'] !== undefined) return Number.POSITIVE_INFINITY
  return Number(headers['content-length'] ?? 0)
}

/**
 * Closing a socket with unread data resets the connection, and a reset can overtake the answer. From
 * the answer's end on the socket's data goes past the parser, so that no further request is read.
 */
function lingerBeforeClose(socket: Socket): void {
  socket.destroySoon = () => {
    let bytes = 0
    socket.removeAllListeners('data')
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > PASSED_OVER_BYTES) socket.pause()
    })
    socket.once('end', () => socket.destroy())
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
    socket.end()
  }
}
