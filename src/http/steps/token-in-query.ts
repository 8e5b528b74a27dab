import type { FastifyReply, FastifyRequest } from 'fastify'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { queryOf } from './raw-request.ts'

/** A token in a query ends up in logs (RFC 6750 §5.3). The rest of a query is not looked at. */
export function tokenInQuery(
  request: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  const query = queryOf(request)
  if (query !== '' && new URLSearchParams(query).has('access_token')) {
    done(
      new ErrorAnswer({
        status: 400,
        error: 'invalid_request',
        description: 'Send the access token in the Authorization header, never in the URL.',
      }),
    )
  } else done()
}
