import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Argo CD's API as far as argocd-mcp's `list_applications` asks it. */
export interface FakeArgoCd {
  readonly url: string
  /** The Authorization of each request, in order. */
  readonly authorizations: readonly (string | undefined)[]
  /** From now on this token is this person's. */
  admit(token: string, person: string): void
  close(): void
}

/**
 * Starts a stand-in for an Argo CD, which cannot be had here: it knows people by their tokens, shows
 * each the one application that is named after them, and answers everybody else as Argo CD does.
 */
export async function startFakeArgoCd(): Promise<FakeArgoCd> {
  const people = new Map<string, string>()
  const authorizations: (string | undefined)[] = []
  const server = createServer((request, response) => {
    const { authorization } = request.headers
    authorizations.push(authorization)
    const person = people.get(authorization ?? '')
    response.setHeader('content-type', 'application/json')
    if (person === undefined) {
      const message = 'no session information'
      response.writeHead(401).end(JSON.stringify({ error: message, code: 16, message }))
    } else response.end(JSON.stringify({ metadata: {}, items: [applicationOf(person)] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorizations,
    admit: (token, person) => people.set(`Bearer ${token}`, person),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function applicationOf(person: string): object {
  return {
    metadata: { name: `app-of-${person}`, namespace: 'argocd' },
    spec: { project: 'default', destination: { namespace: person } },
    status: { sync: { status: 'Synced' }, health: { status: 'Healthy' } },
  }
}
