import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { ResourceConfig } from '../config/config.ts'
import { errorCode } from '../net/error-code.ts'

/** What came of opening one connection to an upstream. */
export type UpstreamConnection =
  | { readonly kind: 'plain' }
  /** `endsAt`: of the server's certificate, milliseconds since the epoch. */
  | { readonly kind: 'tls'; readonly verified: boolean; readonly endsAt: number }
  /** `code` is the system's or OpenSSL's. */
  | { readonly kind: 'failed'; readonly code: string }

/**
 * Opens a connection to a resource's upstream as requests would, with the same authorities and client
 * certificate, and closes it. Says nothing about what is spoken on it.
 *
 * @returns within `connect_timeout`; never rejects
 */
export function connectUpstream(resource: ResourceConfig): Promise<UpstreamConnection> {
  const url = new URL(resource.upstream)
  const secure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (secure ? 443 : 80))
  return new Promise((resolve) => {
    const socket = secure ? tlsSocket(resource, host, port) : connectPlain({ host, port })
    const timer = setTimeout(
      () => end({ kind: 'failed', code: 'ETIMEDOUT' }),
      resource.connect_timeout,
    )
    const end = (outcome: UpstreamConnection): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    socket.on('error', (error) => end({ kind: 'failed', code: errorCode(error) }))
    socket.once('connect', () => {
      if (!secure) end({ kind: 'plain' })
    })
    socket.once('secureConnect', () => end(securedBy(socket)))
  })
}

function tlsSocket(resource: ResourceConfig, host: string, port: number): TLSSocket {
  const { upstream_certificate_authority: ca, upstream_client_certificate: client } = resource
  return connectTls({
    host,
    port,
    rejectUnauthorized: !resource.unsafe_upstream_tls_unverified,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
    ...(client && { cert: client.certificate, key: client.key }),
  })
}

function securedBy(socket: Socket | TLSSocket): UpstreamConnection {
  if (!('getPeerCertificate' in socket)) return { kind: 'plain' }
  const { valid_to: end } = socket.getPeerCertificate()
  return { kind: 'tls', verified: socket.authorized, endsAt: Date.parse(end) }
}
