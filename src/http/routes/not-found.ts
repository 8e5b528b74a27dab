import type { FastifyReply, FastifyRequest } from 'fastify'
import { protectedResources } from '../../config/protected-resources.ts'
import { METHODS } from '../steps/checks.ts'
import { openDocument } from '../steps/cors.ts'
import { type KnownPaths, notFound, orWithSlash } from '../steps/exact-path.ts'
import { methodNotAllowed } from '../steps/method.ts'
import { pathOf } from '../steps/raw-request.ts'

/**
 * Everything that is not there: 404 in JSON, never a 401, since clients probe and take a 401 for a
 * reason to sign in. Below a resource it names the right URL.
 */
export function notFoundHandler(config: KnownPaths) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const path = pathOf(request)
    const isResource = protectedResources(config).some((resource) =>
      orWithSlash(resource.path).includes(path),
    )
    if (isResource) throw methodNotAllowed(METHODS.resource)
    const missing = notFound(path, config)
    if (!path.startsWith('/.well-known/')) throw missing
    // Web pages look for documents too, and must be able to read that there is none.
    openDocument(METHODS.metadata)(request, reply, () => {
      throw missing
    })
  }
}
