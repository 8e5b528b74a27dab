import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** The port that a part of the demo wants is taken; says which, and what to do. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

/**
 * A port of 127.0.0.1 that is free now. Another process may take it before it is used.
 *
 * @param wanted the port, or 0 for any
 * @param flag the command line flag that chooses another, for the error
 * @throws {PortTaken} when `wanted` is in use
 */
export async function freePort(wanted: number, flag: string): Promise<number> {
  const server = createServer()
  try {
    server.listen(wanted, '127.0.0.1')
    await once(server, 'listening')
  } catch {
    throw new PortTaken(`port ${wanted} is taken: choose another with ${flag} PORT (0: any)`)
  }
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
