import { Pool } from 'undici'
import type { ResourceConfig } from '../../config/config.ts'

/** A resource's MCP server, with the connections to it. */
export interface Upstream {
  /** The one path on it that requests go to. */
  readonly path: string
  /** For calls. */
  readonly calls: Pool
  /** For streams, which hold their connection: apart, against head-of-line blocking of calls. */
  readonly streams: Pool
  /** Lets requests in flight end, then closes the connections. */
  close(): Promise<void>
}

/**
 * Opens no connection yet. Certificates are verified unless the configuration says otherwise by a
 * name that begins with `unsafe_`; redirects are not followed and nothing is sent twice.
 */
export function createUpstream(resource: ResourceConfig): Upstream {
  const url = new URL(resource.upstream)
  const client = resource.upstream_client_certificate
  const options: Pool.Options = {
    // No bound: each stream holds a connection, and a bound would make others wait (head-of-line).
    connections: null,
    pipelining: 1,
    connect: {
      timeout: resource.connect_timeout,
      rejectUnauthorized: !resource.unsafe_upstream_tls_unverified,
      ...(resource.upstream_certificate_authority === undefined
        ? {}
        : { ca: resource.upstream_certificate_authority }),
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
    },
    headersTimeout: resource.response_timeout,
    bodyTimeout: 0, // a silent stream lives; a client that leaves ends it
  }
  const calls = new Pool(url.origin, options)
  const streams = new Pool(url.origin, options)
  return {
    path: url.pathname,
    calls,
    streams,
    async close() {
      await Promise.all([calls.close(), streams.close()])
    },
  }
}
