import httpProxy from '@fastify/http-proxy'
import { type FastifyRequest, fastify } from 'fastify'
import { createRemoteJWKSet, jwtVerify } from 'jose'

/**
 * What people would write first: @fastify/http-proxy as it comes; with a key set's URL as third
 * argument also jose's verification of the token on every request.
 */
const [port, upstream = '', keys] = process.argv.slice(2)
const app = fastify()
const keySet = keys === undefined ? undefined : createRemoteJWKSet(new URL(keys))
await app.register(httpProxy, {
  upstream: new URL(upstream).origin,
  prefix: '/mcp',
  rewritePrefix: '/mcp',
  undici: { connections: 4096 }, // its default of 128 would end the streams' measurement
  ...(keySet && {
    preHandler: async (request: FastifyRequest) => {
      const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
      await jwtVerify(token, keySet, { algorithms: ['RS256'] })
    },
  }),
})
await app.listen({ host: '127.0.0.1', port: Number(port) })
