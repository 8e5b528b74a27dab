import type { Client } from 'undici'
import type { ResourceConfig } from '../../config/config.ts'
import { ToolHints } from '../../tool-rules/tool-hints.ts'
import { UpstreamConnections } from './upstream-connections.ts'

/** A resource's MCP server, with the connections to it. */
export interface Upstream {
  /** The one path on it that requests go to. */
  readonly path: string
  readonly connections: UpstreamConnections
  /** What its lists have said of its tools. */
  readonly hints: ToolHints
}

/** Opens no connection yet. Redirects are not followed. */
export function createUpstream(resource: ResourceConfig): Upstream {
  const { origin, pathname } = new URL(resource.upstream)
  const connections = new UpstreamConnections(origin, upstreamOptions(resource))
  return { path: pathname, connections, hints: new ToolHints() }
}

/**
 * How connections to a resource's upstream are made. Certificates are verified unless the
 * configuration says otherwise by a name that begins with `unsafe_`.
 */
export function upstreamOptions(resource: ResourceConfig): Client.Options {
  const client = resource.upstream_client_certificate
  return {
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
}
