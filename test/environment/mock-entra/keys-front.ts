import { once } from 'node:events'
import { createServer } from 'node:https'
import { Agent, fetch } from 'undici'

export interface KeysFrontOptions {
  /** The mock: `http://127.0.0.1:9000`. */
  readonly origin: string
  readonly tenantId: string
  /** On every address of this machine. */
  readonly port: number
  /** Where the API server finds it: `https://10.96.0.90`. The certificate must be for its host. */
  readonly url: string
  /** PEM. */
  readonly certificate: string
  readonly key: string
}

export interface KeysFront {
  close(): Promise<void>
}

/** What is shown, and where the mock has it. */
const DISCOVERY = '/.well-known/openid-configuration'
const KEYS = '/discovery/keys'

/**
 * Shows by https the two documents of the mock that an API server needs to believe its tokens: v1
 * discovery, with this front as the place of the keys, and the keys. An API server reads no other than
 * https, and may be on another machine. Nobody can sign in here, nor use the mock's controls: those
 * stay on loopback.
 *
 * @throws when the port is taken or the certificate is none
 */
export async function startKeysFront(options: KeysFrontOptions): Promise<KeysFront> {
  const { origin, tenantId, port, certificate, key } = options
  const url = options.url.replace(/\/+$/, '')
  const agent = new Agent()
  const read = async (path: string): Promise<object> => {
    const answer = await fetch(`${origin}${path}`, { dispatcher: agent })
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`)
    return (await answer.json()) as object
  }
  const documents: Readonly<Record<string, () => Promise<object>>> = {
    [DISCOVERY]: async () => ({
      ...(await read(`/${tenantId}${DISCOVERY}`)),
      jwks_uri: `${url}${KEYS}`,
    }),
    [KEYS]: () => read(`/common${KEYS}`),
  }
  const server = createServer({ cert: certificate, key }, async (request, response) => {
    const document = request.method === 'GET' ? documents[request.url ?? ''] : undefined
    const [code, body] = document
      ? await document().then(
          (found) => [200, found] as const,
          () => [502, {}] as const,
        )
      : ([404, {}] as const)
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  server.listen(port)
  await once(server, 'listening')
  return {
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await Promise.all([closed, agent.destroy()])
    },
  }
}
