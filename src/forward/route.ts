import httpProxy from '@fastify/http-proxy'
import type { FastifyContextConfig, FastifyInstance } from 'fastify'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { forward } from './forward.ts'
import type { Forwarding } from './forwarding.ts'

/**
 * Registers a resource's route with @fastify/http-proxy, and dispatches in its `preHandler` (see
 * `upstream-exchange.ts`). What of its defaults is wrong for us and set here:
 *
 * - its handler is never reached: for each request it resolves the upstream and the path as URLs, which
 *   both are the configured ones (over 1 µs of some 100).
 * - `proxyPayloads`: it would hand request bodies on as streams, without a bound; we read them into
 *   one buffer, because the audit line needs the tool's name.
 * - `undici`: reply-from, which it registers with us never using it, would not verify certificates.
 * - `websocket` stays off, `httpMethods` is what a resource takes; the rest is 405 elsewhere.
 *
 * The caller's checks refuse paths below the resource, and decoded spellings, which its prefix would
 * also match.
 *
 * @param route `body_bytes`: the most bytes of a request body; `config`: of the route, for its checks
 */
export async function registerResource(
  scope: FastifyInstance,
  forwarding: Forwarding,
  route: { readonly body_bytes: number; readonly config: FastifyContextConfig },
): Promise<void> {
  const { resource } = forwarding
  readBodiesWhole(scope, route.body_bytes)
  await scope.register(httpProxy, {
    upstream: new URL(resource.upstream).origin,
    prefix: resource.path,
    httpMethods: ['POST', 'GET', 'DELETE', 'OPTIONS'], // OPTIONS: for the checks
    config: route.config,
    proxyPayloads: false,
    undici: { connect: { rejectUnauthorized: true } },
    preHandler: (request, reply, done) => {
      try {
        forward(request, reply, forwarding)
      } catch (error) {
        done(error as Error)
      }
    },
  })
}

/**
 * Bodies come as one buffer, never compressed.
 *
 * @param bodyLimit bytes
 */
export function readBodiesWhole(scope: FastifyInstance, bodyLimit: number): void {
  scope.removeAllContentTypeParsers()
  // By its name too: what only `*` takes is looked for anew in each request.
  const types = ['application/json', '*']
  scope.addContentTypeParser(types, { parseAs: 'buffer', bodyLimit }, (request, body, done) => {
    const encoding = request.headers['content-encoding']
    if (encoding === undefined || encoding === 'identity') done(null, body)
    else {
      done(
        new ErrorAnswer({
          status: 415,
          error: 'unsupported_content_encoding',
          description: 'Send the request body uncompressed.',
        }),
      )
    }
  })
}
