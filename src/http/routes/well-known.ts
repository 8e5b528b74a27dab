import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config, ProtectedResource } from '../../config/config.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { resourceMetadata, resourceMetadataPaths } from '../../oauth/metadata/resource-metadata.ts'
import type { OwnServer, SignInFacts } from '../../sign-in/metadata.ts'
import { orWithSlash } from '../steps/exact-path.ts'

/** Long enough to spare a burst, short enough that a change is seen. */
const CACHED = 'public, max-age=60'
/** Discovery is tried again at least this often. */
const RETRY_AFTER_SECONDS = '10'

/** A resource with what its metadata says. */
export interface PublishedResource {
  readonly resource: Pick<ProtectedResource, 'name' | 'path' | 'description'>
  readonly signIn: SignInFacts
}

/**
 * The metadata of every resource (RFC 9728) and of the authorization servers that are ours
 * (RFC 8414), open to any Host and Origin. Built from `public_url` alone, never from a header of the
 * request; with and without one trailing slash, which clients that join URLs add. Every other `/.well-known/*` is a plain 404.
 */
export function wellKnownRoutes(
  app: FastifyInstance,
  config: Pick<Config, 'public_url'>,
  resources: readonly PublishedResource[],
): void {
  resources.forEach(({ resource, signIn }, index) => {
    publish(app, resourceMetadataPaths(resource.path, index === 0), () =>
      resourceMetadata({
        publicUrl: config.public_url,
        path: resource.path,
        name: resource.name,
        description: resource.description,
        authorizationServer: signIn.authorizationServer(),
        scopes: signIn.scopes,
      }),
    )
    const { ownServer } = signIn
    if (ownServer) publish(app, ownServer.metadataPaths, () => metadataOf(ownServer))
  })
}

/** @throws ErrorAnswer 503: half a document would send clients to the wrong place for a minute */
function metadataOf(server: OwnServer): object {
  const metadata = server.metadata()
  if (metadata) return metadata
  throw new ErrorAnswer({
    status: 503,
    error: 'temporarily_unavailable',
    description: `Where people sign in is not known yet, because the discovery document of the identity provider is not there or incomplete; try again in ${RETRY_AFTER_SECONDS} seconds.`,
    headers: { 'retry-after': RETRY_AFTER_SECONDS },
    reason: 'no_discovery',
  })
}

function publish(app: FastifyInstance, paths: readonly string[], document: () => object): void {
  const handler = (request: FastifyRequest, reply: FastifyReply) => {
    const text = JSON.stringify(document())
    request.record.decision = 'allow'
    return reply.header('cache-control', CACHED).type('application/json; charset=utf-8').send(text)
  }
  for (const url of paths.flatMap(orWithSlash)) {
    const endpoint = { name: 'metadata', path: url } as const
    app.route({ url, method: app.supportedMethods, config: { endpoint }, handler })
  }
}
