import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createProxy } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from '../../environment/certificates.ts'
import type { Closing } from './closing.ts'

/** A host of the internet, as far as rolecall can tell, that has a client's metadata document. */
export interface MetadataSite {
  readonly host: string
  /** How often it was asked. */
  readonly requests: () => number
  /** The environment of those who should find it: the way out, and whom to trust there. */
  readonly environment: Readonly<Record<string, string>>
}

const HOST = 'clients.example.test'

/** The document's address, which is the client's id. */
export const METADATA_URL = `https://${HOST}/client.json`

/**
 * Starts the site on loopback, with a proxy before it that knows its name: rolecall fetches documents
 * from public addresses only, and through a proxy where there is one.
 *
 * @param redirectUris the document's
 */
export async function startMetadataSite(
  redirectUris: readonly string[],
  closing: Closing,
): Promise<MetadataSite> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-metadata-'))
  closing.after(() => rm(folder, { recursive: true, force: true }))
  const authority = await createAuthority('The internet')
  const authorityFile = join(folder, 'ca.pem')
  await writeFile(authorityFile, authority.certificate)
  const { certificate: cert, key } = await authority.issue({ names: [HOST] })
  const document = JSON.stringify({
    client_id: METADATA_URL,
    client_name: 'rolecall-test',
    redirect_uris: redirectUris,
    token_endpoint_auth_method: 'none',
  })
  let requests = 0
  const site = createServer({ cert, key }, (request, answer) => {
    requests += 1
    const isIt = `https://${HOST}${request.url}` === METADATA_URL
    answer.writeHead(isIt ? 200 : 404, { 'content-type': 'application/json' })
    answer.end(document)
  })
  const sitePort = await listening(site, closing)
  const proxy = createProxy((_request, answer) => void answer.writeHead(405).end())
  proxy.on('connect', (request, client: Socket) => {
    if (request.url === `${HOST}:443`) tunnel(client, sitePort)
    else client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  const proxyPort = await listening(proxy, closing)
  return {
    host: HOST,
    requests: () => requests,
    environment: {
      HTTPS_PROXY: `http://127.0.0.1:${proxyPort}`,
      NODE_EXTRA_CA_CERTS: authorityFile,
    },
  }
}

/** On any free port, until the end; its connections, tunnels too, are cut then. */
async function listening(server: Server, closing: Closing): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

function tunnel(client: Socket, port: number): void {
  const site = connect(port, '127.0.0.1')
  for (const [from, to] of [
    [client, site],
    [site, client],
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }
  site.once('connect', () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    client.pipe(site).pipe(client)
  })
}
