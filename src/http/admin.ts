import fastify, { type FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { requestId } from '../observe/request-id.ts'

/** Whether requests should be sent here, and if not, why. */
export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string }

/**
 * The admin port: liveness, readiness and metrics. Never on the public listener, and without any
 * authentication: its address is for the cluster's own eyes.
 */
export function createAdmin(registry: Registry, readiness: () => Readiness): FastifyInstance {
  const admin = fastify({
    logger: false,
    exposeHeadRoutes: true,
    genReqId: () => requestId(undefined),
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
  admin.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: 'not_found',
      error_description: 'There is nothing here; this port has /livez, /readyz and /metrics.',
      request_id: request.id,
    }),
  )
  return admin
}
