import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config, ResourceConfig } from '../../config/config.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { publicDocumentHook } from './cors.ts'
import { pathOf } from './raw-request.ts'
import type { Hook } from './step.ts'

/** What a resource takes. OPTIONS is answered here. */
export const RESOURCE_METHODS = ['POST', 'GET', 'DELETE', 'OPTIONS'] as const

/** A 405 that says what would do (RFC 9110 §15.5.6). */
export function methodNotAllowed(taken: readonly string[] = RESOURCE_METHODS): ErrorAnswer {
  const methods = taken.join(', ')
  return new ErrorAnswer({
    status: 405,
    error: 'method_not_allowed',
    description: `This address takes ${methods}.`,
    headers: { allow: methods },
  })
}

/** Ends a request whose method is none of these. */
export function methodHook(taken: readonly string[]): Hook {
  return (request, _reply, done) => {
    done(taken.includes(request.method) ? undefined : methodNotAllowed(taken))
  }
}

/**
 * Everything that is not there: 404 in JSON, never a 401, since clients probe and take a 401 for a
 * reason to sign in. Below a resource it names the right URL.
 */
export function notFoundHandler(config: Pick<Config, 'public_url' | 'resources'>) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const path = pathOf(request)
    const resource = config.resources.find((candidate) => isAt(path, candidate))
    if (resource) throw methodNotAllowed()
    const missing = notFound(path, config)
    if (!path.startsWith('/.well-known/')) throw missing
    // Web pages look for documents too, and must be able to read that there is none.
    publicDocumentHook(request, reply, () => {
      throw missing
    })
  }
}

/** The router decodes; another spelling of a path is another path. */
export function exactPathHook(
  expected: string,
  config: Pick<Config, 'public_url' | 'resources'>,
): Hook {
  return (request, _reply, done) => {
    const path = pathOf(request)
    done(path === expected ? undefined : notFound(path, config))
  }
}

/** Whether a path is a resource's own, with or without one trailing slash. Nothing is decoded. */
export function isAt(path: string, resource: Pick<ResourceConfig, 'path'>): boolean {
  return path === resource.path || path === `${resource.path}/`
}

/** The 404 for a path, with the address that was probably meant. */
export function notFound(
  path: string,
  config: Pick<Config, 'public_url' | 'resources'>,
): ErrorAnswer {
  const below = config.resources.find((resource) => path.startsWith(`${resource.path}/`))
  return new ErrorAnswer({
    status: 404,
    error: 'not_found',
    description: hint(path, below, config),
  })
}

function hint(
  path: string,
  below: ResourceConfig | undefined,
  config: Pick<Config, 'public_url' | 'resources'>,
): string {
  const urls = config.resources.map((resource) => `${config.public_url}${resource.path}`).join(', ')
  if (below && /\/(sse|messages?)\/?$/.test(path)) {
    const url = `${config.public_url}${below.path}`
    return `The HTTP+SSE transport of 2024-11-05 is not served: set the client's mode to streamable-http and its URL to ${url}.`
  }
  if (below) return `There is nothing here; the MCP endpoint is ${config.public_url}${below.path}.`
  return `There is nothing here; MCP endpoints of this server: ${urls}.`
}
