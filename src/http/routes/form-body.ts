import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invalidRequest } from '../../oauth/errors.ts'
import { queryOf, valuesOf } from '../steps/raw-request.ts'

/** Codes, refresh tokens and assertions are a few kilobytes; nothing longer is read. */
const FORM_BYTES = 65_536

/** Lets the routes of a scope take forms, as text. */
export function takeForms(scope: FastifyInstance): void {
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES },
    (_request, body, done) => done(null, body),
  )
}

/**
 * A form that a client posted, and every Authorization value.
 *
 * @throws ErrorAnswer 400 for anything else than a form, and for parameters in the URL
 */
export function formOf(request: FastifyRequest): readonly [string, readonly string[]] {
  if (queryOf(request) !== '') {
    throw invalidRequest('Parameters of this request belong in its body, never in the URL.')
  }
  if (typeof request.body !== 'string') {
    throw invalidRequest('This request is a form: application/x-www-form-urlencoded.')
  }
  return [request.body, valuesOf(request.raw.rawHeaders, 'authorization')]
}
