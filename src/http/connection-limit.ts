import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientResponse } from '../forward/client-response.ts'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { answerAndClose } from './raw-answer.ts'

/** Where the system names no bound of its own. */
const MOST_CONNECTIONS = 1_000_000

/**
 * How many client connections a process takes. The rest of its descriptors are for connections to
 * upstreams and to the identity provider, and for the admin port.
 *
 * @param configured `limits.connections`; 0: three quarters of the descriptors it may have
 */
export function mostConnections(configured: number): number {
  if (configured > 0) return configured
  const descriptors = descriptorLimit()
  return descriptors === undefined ? MOST_CONNECTIONS : Math.max(1, Math.floor(descriptors * 0.75))
}

/** The soft limit, which Node raises to the hard one at its start. */
function descriptorLimit(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const soft = /^Max open files +(\d+)/m.exec(limits)?.[1]
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return reportedLimit() // no Linux; the report takes a tenth of a start
  }
}

function reportedLimit(): number | undefined {
  const report: unknown = process.report?.getReport()
  const { userLimits } = Object(report) as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : undefined
}

/** Beyond the limit, connections may wait for their refusal; past these they are closed without one. */
const LEAST_WAITING = 16

export interface ConnectionLimit {
  /**
   * Whether a request may be served. One on a connection for which there is no room is answered here
   * (503), and its connection closed.
   */
  admits(request: IncomingMessage, response: ClientResponse): boolean
}

/**
 * Keeps a server within a number of connections, so that there is always a descriptor for whoever
 * comes next: beyond it the connection that was idle for longest is closed, and where none is idle the
 * new one is refused at its first request. Not before: an answer to a request that nobody has read yet
 * is lost with the reset of the connection.
 *
 * @param onRefused told of each that was
 */
export function limitConnections(
  server: Server,
  most: number,
  onRefused: () => void,
): ConnectionLimit {
  const mostWaiting = Math.max(LEAST_WAITING, Math.ceil(most / 16))
  /** In the order in which they became idle. */
  const idle = new Set<Socket>()
  /** How many of a connection's requests are being served: with pipelining several. */
  const serving = new WeakMap<Socket, number>()
  const beyond = new WeakSet<Socket>()
  let open = 0
  server.on('connection', (socket: Socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
    if (open <= most + mostWaiting) return
    onRefused()
    socket.destroy()
  })
  // That of a TLS connection is another object, which requests name.
  server.on('setSecureContext' in server ? 'secureConnection' : 'connection', (socket: Socket) => {
    socket.once('close', () => idle.delete(socket))
    if (open <= most || socket.destroyed) return
    const [longest] = idle
    if (longest === undefined) beyond.add(socket)
    else {
      idle.delete(longest)
      longest.destroy()
    }
  })
  return {
    admits({ socket }, response) {
      idle.delete(socket)
      if (beyond.delete(socket) && open > most) {
        onRefused()
        answerAndClose(response, tooManyConnections())
        return false
      }
      serving.set(socket, (serving.get(socket) ?? 0) + 1)
      response.atClose(() => {
        const left = (serving.get(socket) ?? 1) - 1
        serving.set(socket, left)
        if (left === 0 && !socket.destroyed) idle.add(socket)
      })
      return true
    },
  }
}

function tooManyConnections(): ErrorAnswer {
  return new ErrorAnswer({
    status: 503,
    error: 'too_many_connections',
    description:
      'This server holds as many connections as it may (`limits.connections`); try again in a second.',
    headers: { 'retry-after': '1' },
  })
}
