import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config/config.ts'
import { renderHome } from '../home/home.ts'
import { pageHeaders } from '../pages/page-headers.ts'

/** The page for whoever opens the server's address. The same for everybody, without sign-in. */
export function homePage(app: FastifyInstance, config: Config): void {
  const page = renderHome(config)
  const headers = { ...pageHeaders({ form: false }), 'cache-control': 'no-cache' }
  app.route({
    url: '/',
    method: app.supportedMethods,
    config: { endpoint: { name: 'home', path: '/' } },
    handler(request, reply) {
      request.record.decision = 'allow'
      return reply.headers(headers).type('text/html; charset=utf-8').send(page)
    },
  })
}
