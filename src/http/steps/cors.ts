import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../config/config.ts'
import { isLoopbackOrigin } from '../../net/loopback.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { Hook } from './step.ts'

type OriginSettings = Pick<Config, 'public_url' | 'allowed_origins' | 'unsafe_any_origin'>

const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, X-Request-Id, Retry-After'
const PREFLIGHT_SECONDS = '600'

/**
 * CORS for a resource, always without credentials, and the answer to its preflight. An Origin that
 * is not allowed is refused whatever the method (403, as MCP demands); none at all is no browser.
 *
 * @param methods what the resource takes, for `Access-Control-Allow-Methods`
 */
export function originHook(config: OriginSettings, methods: string): Hook {
  const allows = originRule(config)
  return (request, reply, done) => {
    const { origin } = request.headers
    if (origin !== undefined) {
      if (!allows(origin)) {
        done(originRefused())
        return
      }
      reply.header('access-control-allow-origin', origin)
      reply.header('access-control-expose-headers', EXPOSED)
      reply.header('vary', 'Origin')
    }
    if (request.method === 'OPTIONS') answerOptions(request, reply, methods)
    else done()
  }
}

/** What a public document takes. */
export const DOCUMENT_METHODS = ['GET', 'OPTIONS'] as const

/** CORS for public documents: anyone may read them. */
export function publicDocumentHook(
  request: FastifyRequest,
  reply: FastifyReply,
  done: () => void,
): void {
  reply.header('access-control-allow-origin', '*')
  if (request.method === 'OPTIONS') answerOptions(request, reply, DOCUMENT_METHODS.join(', '))
  else done()
}

function answerOptions(request: FastifyRequest, reply: FastifyReply, methods: string): void {
  // The request's own list comes back: Mcp-Param-* has no end, and what may pass is judged later.
  const requested = request.headers['access-control-request-headers']
  if (request.headers.origin !== undefined) {
    reply.header('access-control-allow-methods', methods)
    reply.header('access-control-max-age', PREFLIGHT_SECONDS)
    if (requested !== undefined && /^[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2000}$/.test(requested)) {
      reply.header('access-control-allow-headers', requested)
    }
  }
  request.record.decision = 'allow'
  reply.header('allow', methods).code(204).send()
}

/** Which origins may ask: ours, the configured ones, and on a loopback any loopback origin. */
export function originRule(config: OriginSettings): (origin: string) => boolean {
  if (config.unsafe_any_origin) return () => true
  const allowed = new Set([config.public_url, ...config.allowed_origins])
  const local = isLoopbackOrigin(config.public_url)
  return (origin) => allowed.has(origin) || (local && isLoopbackOrigin(origin))
}

function originRefused(): ErrorAnswer {
  return new ErrorAnswer({
    status: 403,
    error: 'origin_not_allowed',
    description:
      'Web pages of this origin may not call this server; its operator can add the origin to `allowed_origins`.',
  })
}
