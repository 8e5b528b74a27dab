import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../config/config.ts'
import { isLoopbackOrigin } from '../../net/loopback.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { presetOrigins } from '../../sign-in/clients/redirect-uris.ts'
import type { Hook } from './step.ts'

type OriginSettings = Pick<
  Config,
  'public_url' | 'allowed_origins' | 'unsafe_any_origin' | 'sign_in'
>

const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, X-Request-Id, Retry-After'
const PREFLIGHT_SECONDS = '600'

/**
 * Whose web pages may ask, beside our own. `calls`: those of `allowed_origins`. `signIns`: with them
 * those that register and redeem codes themselves (popups' and presets'). `popups`: those alone.
 */
export type Callers = 'calls' | 'signIns' | 'popups'

/**
 * CORS, always without credentials, and the answer to a preflight. An Origin that is not allowed is
 * refused whatever the method (403, as MCP demands against DNS rebinding); none at all is no browser.
 *
 * @param methods what the endpoint takes, for `Access-Control-Allow-Methods`
 */
export function cors(callers: Callers, config: OriginSettings, methods: readonly string[]): Hook {
  const allows = originRule(callers, config)
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

/** CORS for public documents: anyone may read them. */
export function openDocument(methods: readonly string[]): Hook {
  return (request, reply, done) => {
    reply.header('access-control-allow-origin', '*')
    if (request.method === 'OPTIONS') answerOptions(request, reply, methods)
    else done()
  }
}

function answerOptions(
  request: FastifyRequest,
  reply: FastifyReply,
  methods: readonly string[],
): void {
  // The request's own list comes back: Mcp-Param-* has no end, and what may pass is judged later.
  const requested = request.headers['access-control-request-headers']
  const allowed = methods.join(', ')
  if (request.headers.origin !== undefined) {
    reply.header('access-control-allow-methods', allowed)
    reply.header('access-control-max-age', PREFLIGHT_SECONDS)
    if (requested !== undefined && /^[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2000}$/.test(requested)) {
      reply.header('access-control-allow-headers', requested)
    }
  }
  request.record.decision = 'allow'
  reply.header('allow', allowed).code(204).send()
}

/** Which origins may ask: ours, the configured ones, and on a loopback any loopback origin. */
function originRule(callers: Callers, config: OriginSettings): (origin: string) => boolean {
  if (config.unsafe_any_origin) return () => true
  const allowed = new Set([config.public_url, ...originsOf(callers, config)])
  const local = isLoopbackOrigin(config.public_url)
  return (origin) => allowed.has(origin) || (local && isLoopbackOrigin(origin))
}

function originsOf(
  callers: Callers,
  { allowed_origins: allowed, sign_in: signIn }: OriginSettings,
): readonly string[] {
  if (callers === 'calls' || signIn.mode === 'off') return allowed
  if (callers === 'popups') return signIn.popup_origins
  return [...allowed, ...signIn.popup_origins, ...presetOrigins(signIn.redirect_uris)]
}

function originRefused(): ErrorAnswer {
  return new ErrorAnswer({
    status: 403,
    error: 'origin_not_allowed',
    description:
      'Web pages of this origin may not call this server; its operator can add the origin to `allowed_origins`.',
  })
}
