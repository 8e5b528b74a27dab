import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Authority } from '../certificates.ts'
import { loopbackNames } from '../certificates.ts'
import { type Authenticator, type ClusterUser, createAuthenticator } from './authentication.ts'
import type { ClusterIdentityProvider } from './cluster.ts'
import { field } from './object-field.ts'
import { readBody } from './read-body.ts'

/** A running TokenReview webhook. */
export interface TokenReviewWebhook {
  /** What the API server's kubeconfig names, https. */
  readonly url: string
  close(): Promise<void>
}

interface Answer {
  readonly code: number
  readonly body: object
}

const BODY_BYTES = 256 * 1024

/**
 * Starts an https server that answers `authentication.k8s.io/v1` TokenReviews as AKS's own does: it
 * fetches the provider's keys by itself, judges v1 tokens, and names the person by `upn`, else
 * `oid`. It tells the API server nothing of a refused token but that it is refused.
 *
 * @param authority issues its certificate; the API server must trust it
 */
export async function startTokenReviewWebhook(
  identityProvider: ClusterIdentityProvider,
  authority: Authority,
): Promise<TokenReviewWebhook> {
  const { certificate, key } = await authority.issue({ names: loopbackNames })
  const authenticator = createAuthenticator(identityProvider)
  const server = createServer({ cert: certificate, key }, async (request, response) => {
    const { code, body } =
      request.method === 'POST'
        ? await review((await readBody(request, BODY_BYTES))?.toString(), authenticator)
        : { code: 405, body: { error: 'POST a TokenReview' } }
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}/token-review`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await Promise.all([closed, authenticator.close()])
    },
  }
}

async function review(text: string | undefined, authenticator: Authenticator): Promise<Answer> {
  const token = readToken(text)
  if (token === undefined) return { code: 400, body: { error: 'not a TokenReview with a token' } }
  const authentication = await authenticator.authenticate(`Bearer ${token}`)
  const status =
    'user' in authentication
      ? { authenticated: true, user: asUserInfo(authentication.user) }
      : { authenticated: false }
  return {
    code: 200,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status },
  }
}

/** The API server adds `system:authenticated` by itself, and AKS keeps the `oid` beside the name. */
function asUserInfo({ username, uid, groups, extra }: ClusterUser): object {
  return {
    username,
    uid,
    groups: groups.filter((group) => !group.startsWith('system:')),
    extra: { ...extra, oid: [uid] },
  }
}

function readToken(text: string | undefined): string | undefined {
  try {
    const body: unknown = JSON.parse(text ?? '')
    if (typeof body !== 'object' || body === null) return undefined
    const token = field(body, 'spec', 'token')
    const isReview = field(body, 'kind') === 'TokenReview'
    return isReview && typeof token === 'string' ? token : undefined
  } catch {
    return undefined
  }
}
