import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'

/** Where the parts of the demo listen, all on 127.0.0.1. */
export interface DemoPorts {
  readonly ui: number
  /** rolecall as a broker: for every MCP client. */
  readonly broker: number
  readonly brokerAdmin: number
  /** rolecall as a relay: behind the page. */
  readonly relay: number
  readonly relayAdmin: number
  readonly identityProvider: number
  readonly mcpServer: number
  readonly cluster: number
}

/** What people find in the text that the demo prints, unless they choose others. */
export const FRIENDLY_PORTS: DemoPorts = {
  ui: 3000,
  broker: 8080,
  brokerAdmin: 9090,
  relay: 8082,
  relayAdmin: 9092,
  identityProvider: 9000,
  mcpServer: 8081,
  cluster: 8443,
}

/** Any free ones. */
export const ANY_PORTS: DemoPorts = {
  ui: 0,
  broker: 0,
  brokerAdmin: 0,
  relay: 0,
  relayAdmin: 0,
  identityProvider: 0,
  mcpServer: 0,
  cluster: 0,
}

/** The command line flag that chooses each port. */
export const PORT_FLAGS: Readonly<Record<keyof DemoPorts, string>> = {
  ui: '--ui-port',
  broker: '--port',
  brokerAdmin: '--admin-port',
  relay: '--relay-port',
  relayAdmin: '--relay-admin-port',
  identityProvider: '--idp-port',
  mcpServer: '--mcp-port',
  cluster: '--cluster-port',
}

/**
 * Finds the ports on 127.0.0.1 free, and replaces each 0 by a free one; no two are the same. Another
 * process may still take one before it is used.
 *
 * @throws Error that names the port in use and the flag that chooses another
 */
export async function reservePorts(wanted: DemoPorts): Promise<DemoPorts> {
  const servers: Server[] = []
  const reserve = async (part: keyof DemoPorts): Promise<number> => {
    const server = createServer()
    servers.push(server)
    const port = wanted[part]
    return port === 0 ? await listenOnFree(server) : await listenOn(server, port, PORT_FLAGS[part])
  }
  try {
    return {
      ui: await reserve('ui'),
      broker: await reserve('broker'),
      brokerAdmin: await reserve('brokerAdmin'),
      relay: await reserve('relay'),
      relayAdmin: await reserve('relayAdmin'),
      identityProvider: await reserve('identityProvider'),
      mcpServer: await reserve('mcpServer'),
      cluster: await reserve('cluster'),
    }
  } finally {
    await Promise.all(servers.filter((server) => server.listening).map(closeServer))
  }
}

/**
 * Where free ports are looked for: below those that systems hand out by themselves (from 32768 or
 * 49152 on), so that no connection and no other server gets one before it is used.
 */
const FREE_PORTS = { first: 20_000, blocks: 60, blockSize: 200 }

/** The ports that are this process's to give away, and which one is next. */
interface PortBlock {
  readonly first: number
  next: number
}

let ownBlock: Promise<PortBlock> | undefined

/**
 * A port of 127.0.0.1 that nothing listens on now, and that no other process of ours is given before
 * it is used: each process takes a block of ports by listening on its first one until its own end.
 * Within a process a port comes again only after all others of its block.
 */
export async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listenOnFree(server)
  await closeServer(server)
  return port
}

async function listenOnFree(server: Server): Promise<number> {
  ownBlock ??= takeBlock()
  const block = await ownBlock
  for (let left = FREE_PORTS.blockSize; ; left -= 1) {
    const port = block.first + block.next
    block.next = (block.next % (FREE_PORTS.blockSize - 1)) + 1
    try {
      return await listenOn(server, port, '')
    } catch (error) {
      if (left === 0) throw error
    }
  }
}

/** Begins anywhere, so that processes which start together seldom meet. */
async function takeBlock(): Promise<PortBlock> {
  const start = randomInt(FREE_PORTS.blocks)
  for (let tried = 0; ; tried += 1) {
    const index = (start + tried) % FREE_PORTS.blocks
    const first = FREE_PORTS.first + index * FREE_PORTS.blockSize
    const holder = createServer().unref()
    try {
      await listenOn(holder, first, '')
      return { first, next: 1 }
    } catch (error) {
      if (tried === FREE_PORTS.blocks) throw error
    }
  }
}

async function listenOn(server: Server, port: number, flag: string): Promise<number> {
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    const cause = error instanceof Error && 'code' in error ? error.code : 'not available'
    const words = cause === 'EADDRINUSE' ? 'taken' : `not to be had (${cause})`
    throw new Error(`port ${port} is ${words}: choose another with ${flag} PORT, 0 for any`)
  }
  return (server.address() as AddressInfo).port
}

async function closeServer(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
