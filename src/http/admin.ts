import type { IncomingHttpHeaders } from 'node:http'
import fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { isLoopbackHost } from '../net/loopback.ts'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { requestId } from '../observe/request-id.ts'
import { pageHeaders } from './pages/page-headers.ts'
import type { Status } from './status/status.ts'
import { renderStatus } from './status/status-page.ts'
import { withoutSchemas } from './without-schemas.ts'

/** Whether requests should be sent here, and if not, why. */
export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string }

export interface AdminParts {
  readonly registry: Registry
  readonly readiness: () => Readiness
  readonly status: () => Status
  /** Whether `admin_listen` is loopback. */
  readonly isLoopback: boolean
}

/**
 * The admin port: liveness, readiness, metrics, and a status page for people. Never on the public listener, and without any
 * authentication: its address is for the cluster's own eyes. No web page reads it: whatever has an
 * Origin is refused, and on loopback, where a browser of the same machine reaches it, so is every Host
 * that is not loopback's (DNS rebinding).
 */
export function createAdmin({
  registry,
  readiness,
  status,
  isLoopback,
}: AdminParts): FastifyInstance {
  const admin = fastify({
    logger: false,
    exposeHeadRoutes: true,
    schemaController: withoutSchemas,
    genReqId: () => requestId(undefined),
  })
  admin.addHook('onRequest', ({ id, headers }, reply, done) => {
    const refusal = refusalOf(headers, isLoopback)
    if (refusal === undefined) done()
    else reply.code(refusal.status).send(refusal.body(id))
  })
  admin.get('/livez', (_request, reply) => reply.type('text/plain').send('ok\n'))
  admin.get('/readyz', (_request, reply) => {
    const state = readiness()
    return reply
      .code(state.ready ? 200 : 503)
      .type('text/plain')
      .send(state.ready ? 'ok\n' : `${state.reason}\n`)
  })
  admin.get('/metrics', async (_request, reply) => {
    const text = await registry.metrics()
    return reply.type(registry.contentType).send(text)
  })
  admin.get('/', (_request, reply) =>
    reply
      .headers(pageHeaders({ form: false }))
      .type('text/html; charset=utf-8')
      .send(renderStatus(status())),
  )
  admin.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: 'not_found',
      error_description: 'There is nothing here; this port has /, /livez, /readyz and /metrics.',
      request_id: request.id,
    }),
  )
  return admin
}

function refusalOf(
  { host = '', origin }: IncomingHttpHeaders,
  isLoopback: boolean,
): ErrorAnswer | undefined {
  if (origin !== undefined) {
    return new ErrorAnswer({
      status: 403,
      error: 'origin_not_allowed',
      description: 'No web page may call the admin port.',
    })
  }
  if (!isLoopback || isLoopbackHost(host.replace(/:\d+$/, ''))) return undefined
  return new ErrorAnswer({
    status: 421,
    error: 'misdirected_request',
    description:
      'The admin port listens on loopback (`admin_listen`) and answers to loopback hosts alone: localhost, 127.0.0.1, [::1].',
  })
}
