import type { FastifyInstance } from 'fastify'
import type { Config } from '../config/config.ts'
import { resourceMetadata, resourceMetadataPaths } from '../oauth/resource-metadata.ts'
import { publicDocumentHook } from './origin.ts'

/** Long enough to spare a burst, short enough that a change is seen. */
const CACHED = 'public, max-age=60'

/**
 * The protected resource metadata of every resource (RFC 9728). Built from `public_url` alone, never
 * from a header of the request. Every other `/.well-known/*` is a plain 404.
 *
 * @param authorizationServer the issuer to name, asked each time: discovery can still change it
 */
export function wellKnownRoutes(
  app: FastifyInstance,
  config: Pick<Config, 'public_url' | 'resources'>,
  authorizationServer: () => string,
): void {
  config.resources.forEach((resource, index) => {
    for (const url of resourceMetadataPaths(resource.path, index === 0)) {
      app.route({
        url,
        method: ['GET', 'OPTIONS'],
        onRequest: publicDocumentHook,
        handler(request, reply) {
          request.record.decision = 'allow'
          reply.header('cache-control', CACHED).type('application/json; charset=utf-8')
          return reply.send(
            JSON.stringify(
              resourceMetadata({
                publicUrl: config.public_url,
                path: resource.path,
                name: resource.name,
                authorizationServer: authorizationServer(),
                scopes: resource.request_scopes,
              }),
            ),
          )
        },
      })
    }
  })
}
