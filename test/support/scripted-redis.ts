import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

interface Ends {
  after(end: () => unknown): void
}

/** A running one. */
export interface ScriptedRedis {
  readonly url: string
  /** How many there were. */
  readonly connections: () => number
}

/**
 * A server that answers every command alike, for what a real one says only after an accident.
 *
 * @param answer the text of a RESP error, `MOVED 1234 10.0.0.1:6379`
 */
export async function startScriptedRedis(t: Ends, answer: string): Promise<ScriptedRedis> {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      const commands = chunk.toString('latin1').match(/^\*\d+\r$/gm) ?? []
      socket.write(commands.map(() => `-${answer}\r\n`).join(''))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, connections: () => connections }
}
