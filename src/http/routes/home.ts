import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config/config.ts'
import { renderHome } from '../pages/home.ts'
import { pageHeaders } from '../pages/page-headers.ts'
import { methodHook } from '../steps/exact-path.ts'

/** The page for people who open the server's address. The same for everybody, without sign-in. */
export function homePage(app: FastifyInstance, config: Config): void {
  const page = renderHome(config)
  const headers = { ...pageHeaders({ form: false }), 'cache-control': 'no-cache' }
  app.route({
    url: '/',
    method: app.supportedMethods,
    onRequest: methodHook(['GET', 'HEAD']),
    handler(request, reply) {
      request.record.decision = 'allow'
      return reply.headers(headers).type('text/html; charset=utf-8').send(page)
    },
  })
}
