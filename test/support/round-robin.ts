import { createServer, request as forward } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** A load balancer that knows nothing: each request goes to the next process, whoever sent it. */
export interface RoundRobin {
  readonly origin: string
  /** Where requests go from now on, origins in their order. */
  spreadOver(origins: readonly string[]): void
  /** How many requests each one had. */
  counts(): Readonly<Record<string, number>>
}

/** Starts one; it is stopped with the test. */
export async function startRoundRobin(t: TestContext): Promise<RoundRobin> {
  let targets: readonly string[] = []
  let next = 0
  const counts: Record<string, number> = {}
  const server = createServer((incoming, answer) => {
    const target = targets[next % targets.length] ?? ''
    next += 1
    counts[target] = (counts[target] ?? 0) + 1
    const { method, headers, url = '/' } = incoming
    const outgoing = forward(target + url, { method, headers, agent: false }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    incoming.pipe(outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://localhost:${port}`,
    spreadOver(origins) {
      targets = origins
    },
    counts: () => counts,
  }
}
