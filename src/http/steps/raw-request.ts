import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidRequest } from '../../oauth/errors.ts'
import { MAX_HEADER_LINES } from '../listener.ts'

/**
 * Refuses what a proxy in front could read in another way than we do (request smuggling): header
 * lines beyond those that node:http keeps, a second Host, and whatever makes it doubtful where the
 * body ends (RFC 9112 §6.1, §6.3). node:http takes any list of transfer codings that ends in
 * `chunked`. The connection is closed, since nobody knows what on it is the next request.
 */
export function refuseAmbiguous(
  request: FastifyRequest,
  reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  const { rawHeaders } = request.raw
  const refuse = (error: ErrorAnswer): void => {
    reply.header('connection', 'close')
    done(error)
  }
  if (rawHeaders.length >= MAX_HEADER_LINES * 2) {
    refuse(
      new ErrorAnswer({
        status: 431,
        error: 'headers_too_large',
        description: `A request may have at most ${MAX_HEADER_LINES - 1} header lines.`,
      }),
    )
  } else if (countOf(rawHeaders, 'host') > 1) {
    refuse(invalidRequest('The request has more than one Host header.'))
  } else if (!isFramedOneWay(request.raw)) {
    refuse(
      invalidRequest(
        'Where the body of the request ends is not clear: Transfer-Encoding may be chunked alone, in HTTP/1.1 and without Content-Length.',
      ),
    )
  } else done()
}

function isFramedOneWay({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const lengths = countOf(rawHeaders, 'content-length')
  if (countOf(rawHeaders, 'transfer-encoding') === 0) return lengths <= 1
  const codings = valuesOf(rawHeaders, 'transfer-encoding')
  const [coding = ''] = codings
  return (
    codings.length === 1 &&
    coding.toLowerCase() === 'chunked' &&
    lengths === 0 &&
    httpVersion === '1.1'
  )
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

/** How often a header was sent. @param name lower case */
function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i]
    if (header?.length === name.length && header.toLowerCase() === name) count += 1
  }
  return count
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
