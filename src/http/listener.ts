import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Config, ListenAddress } from '../config/config.ts'
import type { LimitName } from '../observe/metrics/limits-reached.ts'
import { AnsweringResponse, closeWithConnection } from './answering-response.ts'
import { answerClientError, limitOfClientError } from './client-error.ts'
import { limitConnections, mostConnections } from './connection-limit.ts'

export type RequestListener = (request: IncomingMessage, response: AnsweringResponse) => void

/** The most header lines of a request; node:http would drop further ones without a word. */
export const MAX_HEADER_LINES = 200

const CONNECTIONS_CHECKING_MS = 2_000 // how late a timeout may be noticed

/** A socket that requests arrive on. It outlives the app behind it: a reload keeps connections. */
export interface Listener {
  /** Where it listens; port 0 is resolved. */
  readonly address: ListenAddress
  /** From now on requests go to `listener`. */
  handWith(listener: RequestListener): void
  renewCertificate(tls: NonNullable<Config['tls']>): void
  /** No new connections; idle ones are closed; resolves when the last one is. */
  stop(): Promise<void>
  /** Closes connections that wait for a next request. */
  closeIdle(): void
  /** Ends what is left. */
  endConnections(): void
}

/** What a listener is set up with; bytes and milliseconds. */
export interface ListenOptions {
  readonly config: Pick<Config, 'limits' | 'keep_alive'>
  readonly tls?: Config['tls']
  /** Told of what was beyond a limit before there was a request: a connection, its headers. */
  readonly onLimit: (limit: LimitName) => void
}

/**
 * Listens, with every limit of the configuration set on the server itself, where slow (slowloris) and
 * oversized requests are ended before any of our code sees them.
 *
 * @throws the system's error when the address cannot be had (`EADDRINUSE`, `EACCES` …)
 */
export async function listen(
  address: ListenAddress,
  { config: { limits, keep_alive: keepAlive }, tls, onLimit }: ListenOptions,
): Promise<Listener> {
  const options = {
    maxHeaderSize: limits.header_bytes,
    headersTimeout: limits.header_timeout,
    requestTimeout: limits.header_timeout + limits.body_timeout,
    keepAliveTimeout: keepAlive,
    connectionsCheckingInterval: CONNECTIONS_CHECKING_MS,
    insecureHTTPParser: false,
    requireHostHeader: true,
    keepAlive: true, // TCP: a stream's dead peer is noticed
    ServerResponse: AnsweringResponse,
  }
  const server: Server | TlsServer = tls
    ? createTlsServer({ ...options, cert: tls.certificate, key: tls.key, minVersion: 'TLSv1.2' })
    : createServer(options)
  server.maxHeadersCount = MAX_HEADER_LINES
  const most = mostConnections(limits.connections)
  const limit = limitConnections(server, most, () => onLimit('connections'))

  let current: RequestListener = (_request, response) => response.destroy() // before `handWith`
  const answering: Answering = new WeakMap()
  const take = (request: IncomingMessage, response: AnsweringResponse) => {
    answering.set(request.socket, response)
    response.atClose(() => forgetAnswered(response, answering))
    closeWithConnection(response)
    if (limit.admits(request, response)) current(request, response)
  }
  server.on('request', take)
  server.on('checkContinue', take) // who asks first is asked for the body once it is wanted
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const beyond = limitOfClientError(error.code)
    if (beyond !== undefined) onLimit(beyond)
    answerClientError(error, socket, answering.get(socket))
  })

  server.listen(address.port, address.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: { host: address.host, port },
    handWith(listener) {
      current = listener
    },
    renewCertificate(renewed) {
      if ('setSecureContext' in server) {
        server.setSecureContext({ cert: renewed.certificate, key: renewed.key })
      }
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      await closed
    },
    closeIdle: () => server.closeIdleConnections(),
    endConnections: () => server.closeAllConnections(),
  }
}

/** By connection: the last response on it, until its request has ended too. */
type Answering = WeakMap<object, ServerResponse>

/**
 * An idle connection keeps nothing of its last request: the largest headers there may be, of whoever
 * connects (denial of service).
 */
function forgetAnswered(response: ServerResponse, answering: Answering): void {
  const { req: request } = response
  if (!request.complete) request.once('end', () => forgetAnswered(response, answering))
  else if (answering.get(request.socket) === response) answering.delete(request.socket)
}
