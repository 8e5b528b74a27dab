import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Writable } from 'node:stream'
import { createAuthority, loopbackNames } from '../../certificates.ts'
import { auditEvent } from '../audit.ts'
import { type Authenticator, type ClusterUser, createAuthenticator } from '../authentication.ts'
import type { AuditEvent, Cluster, ClusterIdentityProvider } from '../cluster.ts'
import type { ClusterContents } from '../contents.ts'
import { readBody } from '../read-body.ts'
import { type RequestInfo, readRequestInfo } from '../request-info.ts'
import { answer, type ClusterState, forbidden } from './answers.ts'
import { readReviewProtobuf } from './review-protobuf.ts'
import { type Answer, failure, textAnswer } from './status.ts'
import { storeObjects } from './store.ts'

export interface StandInOptions {
  readonly identityProvider: ClusterIdentityProvider
  readonly contents: ClusterContents
  /** On 127.0.0.1; default: any free one. */
  readonly port?: number
  /** Gets every audit event, one JSON object a line. */
  readonly auditLog?: Writable
}

const BODY_BYTES = 1024 * 1024
const HEALTH = ['/livez', '/readyz', '/healthz']

/**
 * Starts a small https server that answers as an API server would to kubernetes-mcp-server and
 * kubectl's reading commands, and that says in a header and in `/version` that it is a stand-in.
 * It authenticates and authorizes by itself; it keeps no state, changes nothing and does not watch.
 *
 * @throws when the port is taken
 */
export async function startStandInCluster(options: StandInOptions): Promise<Cluster> {
  const authority = await createAuthority('Stand-in cluster')
  const { certificate, key } = await authority.issue({ names: loopbackNames })
  const authenticator = createAuthenticator(options.identityProvider)
  const state = { contents: options.contents, objects: storeObjects(options.contents) }
  const events: AuditEvent[] = []
  const record = (event: AuditEvent): void => {
    events.push(event)
    options.auditLog?.write(`${JSON.stringify(event)}\n`)
  }
  const server = createServer({ cert: certificate, key }, (request, response) => {
    void handle(request, response, { authenticator, state, record })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    kind: 'stand-in',
    description: 'a stand-in for an API server, not Kubernetes (--cluster stand-in)',
    server: `https://127.0.0.1:${port}`,
    certificateAuthority: authority.certificate,
    ended: new Promise((resolve) => {
      server.once('close', () => resolve('its server was closed'))
    }),
    auditEvents: () => Promise.resolve([...events]),
    close: () => close(server, authenticator),
  }
}

async function close(server: Server, authenticator: Authenticator): Promise<void> {
  const closed = server.listening ? once(server, 'close') : undefined
  server.close()
  server.closeAllConnections()
  await Promise.all([closed, authenticator.close()])
}

interface Parts {
  readonly authenticator: Authenticator
  readonly state: ClusterState
  record(event: AuditEvent): void
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { authenticator, state, record }: Parts,
): Promise<void> {
  const received = new Date()
  const source = request.socket.remoteAddress ?? ''
  const authentication = await authenticator.authenticate(request.headers.authorization)
  const user = 'user' in authentication ? authentication.user : undefined
  const answered = await judge(request, user, state)
  const refused = 'refused' in authentication ? authentication.refused : undefined
  record(auditEvent({ request, source, received, user, answered, refused }))
  response.writeHead(answered.code, {
    'content-type': answered.contentType,
    'x-rolecall-stand-in': 'not a Kubernetes API server',
  })
  response.end(request.method === 'HEAD' ? undefined : answered.body)
}

async function judge(
  request: IncomingMessage,
  user: ClusterUser | undefined,
  state: ClusterState,
): Promise<Answer> {
  const url = readUrl(request.url ?? '')
  const info = url && readRequestInfo(request.method ?? '', url)
  if (!info) return failure('BadRequest', 'the request target is malformed')
  if (info.kind === 'path' && HEALTH.includes(info.path)) return textAnswer('ok')
  if (!user) return failure('Unauthorized', 'Unauthorized')
  if (request.headers['impersonate-user'] !== undefined) return impersonationRefused(user, info)
  const body = await readBody(request, BODY_BYTES)
  if (body === undefined) {
    return failure('RequestEntityTooLarge', 'Request entity too large: limit is 1048576')
  }
  const accept = request.headers.accept ?? ''
  return answer(
    {
      user,
      info,
      parameters: url.searchParams,
      accept,
      body: parseBody(body, request.headers['content-type']),
    },
    state,
  )
}

/** In the words of Kubernetes 1.36, which asks for a verb of its own for each verb impersonated. */
function impersonationRefused(user: ClusterUser, info: RequestInfo): Answer {
  return forbidden(user, { ...info, verb: `impersonate-on:user-info:${info.verb}` })
}

function readUrl(target: string): URL | undefined {
  if (!target.startsWith('/')) return undefined
  return URL.canParse(`https://cluster${target}`) ? new URL(`https://cluster${target}`) : undefined
}

/** A body of JSON, or a review in protobuf; of anything else `undefined`. */
function parseBody(body: Buffer, contentType: string | undefined): unknown {
  if (contentType === 'application/vnd.kubernetes.protobuf') return readReviewProtobuf(body)
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
