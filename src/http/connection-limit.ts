import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { writeAnswer } from './raw-answer.ts'

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
  const report: unknown = process.report?.getReport()
  const { userLimits } = Object(report) as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : undefined
}

/**
 * Keeps a server within a number of connections, so that there is always a descriptor for whoever
 * comes next: beyond it idle connections are closed, and where that is not enough the new one is
 * answered (503) and closed.
 *
 * @param onRefused told of each that was
 */
export function limitConnections(server: Server, most: number, onRefused: () => void): void {
  let open = 0
  server.on('connection', (socket: Socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
    if (open <= most) return
    server.closeIdleConnections()
    socket.pause()
    afterCloses(() => {
      if (socket.destroyed) return
      if (open <= most) {
        socket.resume()
        return
      }
      onRefused()
      if (speaksTls(server)) socket.destroy()
      else writeAnswer(socket, tooManyConnections())
    })
  })
}

/** Sockets are closed at the end of a turn of the event loop. */
function afterCloses(then: () => void): void {
  setImmediate(() => setImmediate(then))
}

/** Before its handshake a TLS connection can be told nothing. */
function speaksTls(server: Server): boolean {
  return 'setSecureContext' in server
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
