import { errorCode } from '../../net/error-code.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'

/**
 * The answer when an upstream did not: 504 when it took too long, 502 otherwise. The client is told
 * no address and no name; the code of what happened goes to the log.
 */
export function upstreamFailure(error: Error): ErrorAnswer {
  const code = errorCode(error)
  const slow = code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_CONNECT_TIMEOUT'
  return new ErrorAnswer({
    status: slow ? 504 : 502,
    error: slow ? 'upstream_timeout' : 'upstream_unavailable',
    description: slow
      ? 'The MCP server did not answer in time.'
      : 'The MCP server could not be reached, or closed the connection before it answered.',
    reason: `${slow ? 'upstream_timeout' : 'upstream_unavailable'}:${code}`,
    cause: error,
  })
}

/** The answer to an upstream that answered in our place: a 401 of its own, or a redirect. */
export function upstreamRefused(status: number): ErrorAnswer {
  return new ErrorAnswer({
    status: 502,
    error: 'upstream_refused',
    description:
      status === 401
        ? 'The MCP server behind rolecall refused a token that rolecall had accepted; its operator must let it pass tokens through without checking them itself.'
        : 'The MCP server behind rolecall answered with a redirect; its operator must set `upstream` to the final address.',
    reason: `upstream_refused:${status}`,
  })
}

/**
 * The answer to a call that had none ten minutes after its token's end. Not a 401: clients would
 * sign in and make the call again, and what it did so far is not known.
 */
export function callOverdue(): ErrorAnswer {
  return new ErrorAnswer({
    status: 504,
    error: 'upstream_timeout',
    description: 'The MCP server had not answered ten minutes after the end of the token.',
    reason: 'token_ended',
  })
}

/** The answer to a list of tools, where tool rules have to read it and cannot (fail closed). */
export function listUnreadable(): ErrorAnswer {
  return new ErrorAnswer({
    status: 502,
    error: 'upstream_list_unreadable',
    description:
      'The MCP server answered a question for its tools in a form that cannot be read, so nothing of it is shown; its operator must let it answer uncompressed JSON or event streams.',
    reason: 'upstream_list_unreadable',
  })
}
