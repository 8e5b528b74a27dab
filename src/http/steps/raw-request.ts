import type { FastifyReply, FastifyRequest } from 'fastify'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidRequest } from '../../oauth/errors.ts'
import { MAX_HEADER_LINES } from '../listener.ts'

/**
 * Refuses what a proxy in front could read in another way than we do (request smuggling): header
 * lines beyond those that node:http keeps, and a second Host.
 */
export function refuseAmbiguous(
  request: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  const { rawHeaders } = request.raw
  if (rawHeaders.length >= MAX_HEADER_LINES * 2) {
    done(
      new ErrorAnswer({
        status: 431,
        error: 'headers_too_large',
        description: `A request may have at most ${MAX_HEADER_LINES - 1} header lines.`,
      }),
    )
  } else if (valuesOf(rawHeaders, 'host').length > 1) {
    done(invalidRequest('The request has more than one Host header.'))
  } else done()
}

/**
 * Every value of a header as it was sent, where node:http would keep one or join them.
 *
 * @param name lower case
 */
export function valuesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i]
    if (header?.length === name.length && header.toLowerCase() === name) {
      values.push(rawHeaders[i + 1] ?? '')
    }
  }
  return values
}

/** The path as it was sent, without the query: nothing is decoded or normalised. */
export function pathOf(request: FastifyRequest): string {
  const url = request.raw.url ?? ''
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

/** The query as it was sent, without its question mark. */
export function queryOf(request: FastifyRequest): string {
  const url = request.raw.url ?? ''
  const query = url.indexOf('?')
  return query === -1 ? '' : url.slice(query + 1)
}
