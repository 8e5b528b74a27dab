import { createServer } from 'node:https'
import type { AddressInfo, LookupFunction } from 'node:net'
import type { TestContext } from 'node:test'
import { type Authority, createAuthority } from '../environment/certificates.ts'

/** What is at a path. */
export interface Published {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A text as it is, anything else as JSON; absent: no answer at all. */
  readonly body?: unknown
}

/** A host of client ID metadata documents, on loopback under a name that nobody else resolves. */
export interface MetadataHost {
  /** Name and port, as in `client_metadata_hosts`. */
  readonly host: string
  readonly port: number
  /** To be trusted by whoever fetches. */
  readonly certificateAuthority: string
  /** The paths that were asked for. */
  readonly asked: readonly string[]
  /** How many connections were made, whatever came of them. */
  connections(): number
  url(path: string): string
  /** Puts a document at its address, complete but for what is given. */
  publish(path: string, published?: Published): string
}

const NAME = 'clients.test'
let shared: Promise<Authority> | undefined

/** Serves until the test ends. @param address where it listens: one of 127.0.0.0/8, or ::1 */
export async function startMetadataHost(
  t: TestContext,
  address = '127.0.0.1',
): Promise<MetadataHost> {
  shared ??= createAuthority('Clients')
  const authority = await shared
  const issued = await authority.issue({ names: [NAME, 'localhost'] })
  const documents = new Map<string, Published>()
  const asked: string[] = []
  let connections = 0
  const server = createServer(
    { cert: issued.certificate, key: issued.key },
    (request, response) => {
      const path = request.url ?? ''
      asked.push(path)
      const { status = 200, headers, body } = documents.get(path) ?? { status: 404, body: {} }
      if (body === undefined) return
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
    },
  )
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const host = `${NAME}:${port}`
  const url = (path: string) => `https://${host}${path}`
  return {
    host,
    port,
    certificateAuthority: authority.certificate,
    asked,
    connections: () => connections,
    url,
    publish(path, published = {}) {
      documents.set(path, { body: metadata(url(path)), ...published })
      return url(path)
    },
  }
}

/** A document as Claude Code has one. */
export function metadata(clientId: string, change: Readonly<Record<string, unknown>> = {}) {
  return {
    client_id: clientId,
    client_name: 'Claude Code',
    client_uri: 'https://claude.ai',
    redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    ...change,
  }
}

/** Resolves every name to one address, or to each in turn, the last for good. */
export function resolvesTo(...addresses: readonly (string | readonly string[])[]): LookupFunction {
  let turn = 0
  return (_name, options, callback) => {
    const found = [addresses[Math.min(turn, addresses.length - 1)] ?? []].flat()
    turn += 1
    const all = found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (options.all === true) callback(null, all)
    else callback(null, all[0]?.address ?? '', all[0]?.family)
  }
}
