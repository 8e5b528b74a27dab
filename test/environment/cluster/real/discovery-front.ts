import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Agent, fetch } from 'undici'
import { type Authority, loopbackNames } from '../../certificates.ts'

/** One discovery document, by https. */
export interface DiscoveryFront {
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves by https a discovery document that is there by http only: API servers read no other, while
 * the key set that it names may be on http. For mocks on loopback.
 *
 * @param url of the document, http
 * @param authority issues the certificate; the API server must trust it
 */
export async function startDiscoveryFront(
  url: string,
  authority: Authority,
): Promise<DiscoveryFront> {
  const { certificate, key } = await authority.issue({ names: loopbackNames })
  const agent = new Agent()
  const read = async (): Promise<{ code: number; text: string }> => {
    try {
      const answer = await fetch(url, { dispatcher: agent, signal: AbortSignal.timeout(5_000) })
      return { code: answer.status, text: await answer.text() }
    } catch {
      return { code: 502, text: '{}' }
    }
  }
  const server = createServer({ cert: certificate, key }, async (_request, response) => {
    const { code, text } = await read()
    response.writeHead(code, { 'content-type': 'application/json' }).end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}/.well-known/openid-configuration`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await Promise.all([closed, agent.destroy()])
    },
  }
}
