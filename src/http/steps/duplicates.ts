import type { FastifyReply, FastifyRequest } from 'fastify'
import { invalidRequest } from '../../oauth/errors.ts'
import { readParameters } from '../../oauth/parameters.ts'
import { queryOf, valuesOf } from './raw-request.ts'

/** Of two credentials it is not known which is meant (RFC 6750 §3.1). */
export function oneAuthorization(
  request: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  const several = valuesOf(request.raw.rawHeaders, 'authorization').length > 1
  done(several ? invalidRequest('The request has more than one Authorization header.') : undefined)
}

/** Of two values of one parameter it is not known which is meant (RFC 6749 §3.1). */
export function oneOfEachParameter(
  request: FastifyRequest,
  _reply: FastifyReply,
  done: () => void,
): void {
  readParameters(queryOf(request), { from: 'address' })
  done()
}
