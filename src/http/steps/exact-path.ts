import type { Config, ProtectedResource } from '../../config/config.ts'
import { protectedResources } from '../../config/protected-resources.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { pathOf } from './raw-request.ts'
import type { Hook } from './step.ts'

/** What the 404 of a path is written from. */
export type KnownPaths = Pick<Config, 'public_url' | 'resources' | 'fleet'>

/**
 * Ends a request for another spelling of a path: the router decodes, and what stands in front of us
 * may not have, so that rules there would not have seen this path.
 *
 * @param expected the paths that are meant, as they are written
 */
export function exactPath(expected: readonly string[], config: KnownPaths): Hook {
  return (request, _reply, done) => {
    const path = pathOf(request)
    done(expected.includes(path) ? undefined : notFound(path, config))
  }
}

/** A path with and without one trailing slash, which mean the same. */
export function orWithSlash(path: string): readonly string[] {
  return [path, `${path}/`]
}

/** The 404 for a path, with the address that was probably meant. */
export function notFound(path: string, config: KnownPaths): ErrorAnswer {
  const below = protectedResources(config).find((resource) => path.startsWith(`${resource.path}/`))
  return new ErrorAnswer({
    status: 404,
    error: 'not_found',
    description: hint(path, below, config),
  })
}

function hint(path: string, below: ProtectedResource | undefined, config: KnownPaths): string {
  const urls = protectedResources(config)
    .map((resource) => `${config.public_url}${resource.path}`)
    .join(', ')
  if (below && /\/(sse|messages?)\/?$/.test(path)) {
    const url = `${config.public_url}${below.path}`
    return `The HTTP+SSE transport of 2024-11-05 is not served: set the client's mode to streamable-http and its URL to ${url}.`
  }
  if (below) return `There is nothing here; the MCP endpoint is ${config.public_url}${below.path}.`
  return `There is nothing here; MCP endpoints of this server: ${urls}.`
}
