import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { errorSummary, type Logger } from '../observe/logger.ts'
import { sendPage } from './pages/send-page.ts'
import { pathOf } from './steps/raw-request.ts'

/**
 * Turns errors into responses: JSON, wherever no page is shown. A browser that asks for a page where
 * there is nothing is shown one, but for documents of `/.well-known/`.
 *
 * @param site our own host
 */
export function errorHandler(log: Logger, site: string) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const answer = answerOf(error, request, log)
    if (answer.error === 'not_found' && isForPage(request)) {
      const page = { kind: 'missing', description: answer.message } as const
      reply.headers(answer.headers).header('vary', 'Accept')
      sendPage(reply, page, { status: answer.status, site, requestId: request.id })
      return
    }
    reply
      .code(answer.status)
      .headers(answer.headers)
      .header('cache-control', 'no-store')
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(answer.body(request.id)))
  }
}

function isForPage(request: FastifyRequest): boolean {
  if (request.method !== 'GET' || pathOf(request).startsWith('/.well-known/')) return false
  return prefersHtml(request.headers.accept)
}

/** Whether `Accept` names HTML, and JSON not before it (RFC 9110 §12.5.1); a wildcard asks for neither. */
function prefersHtml(accept = ''): boolean {
  const html = quality(accept, 'text/html')
  return html > 0 && html >= quality(accept, 'application/json')
}

function quality(accept: string, type: string): number {
  const range = accept.split(',').find((one) => one.split(';')[0]?.trim().toLowerCase() === type)
  if (range === undefined) return 0
  const weight = /;\s*q=([\d.]+)/i.exec(range)?.[1]
  return weight === undefined ? 1 : Number(weight)
}

/**
 * What an error is answered with; the request's line says so. What is not an `ErrorAnswer` was not
 * meant for the client: it is logged, and the client is told no more than that.
 */
export function answerOf(error: FastifyError, request: FastifyRequest, log: Logger): ErrorAnswer {
  const answer = error instanceof ErrorAnswer ? error : translate(error, request, log)
  request.record.reason = answer.reason
  request.record.decision = answer.status >= 500 ? 'unavailable' : 'refuse'
  return answer
}

/** Fastify's own refusals of a request, in our words; by its codes, which it keeps stable. */
const FASTIFY_REFUSALS: Readonly<Record<string, { status: number; error: string; text: string }>> =
  {
    FST_ERR_CTP_BODY_TOO_LARGE: {
      status: 413,
      error: 'body_too_large',
      text: 'The request body is larger than is read here (at most `limits.body_bytes`; a form: 64 KiB; a registration: 16 KiB).',
    },
    FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
      status: 400,
      error: 'invalid_request',
      text: 'The request body is not as long as its Content-Length says.',
    },
    FST_ERR_CTP_INVALID_MEDIA_TYPE: {
      status: 415,
      error: 'unsupported_media_type',
      text: 'The Content-Type of the request is not a media type.',
    },
    FST_ERR_BAD_URL: {
      status: 400,
      error: 'invalid_request',
      text: 'The path of the request is not a valid URL.',
    },
    ECONNRESET: {
      status: 400,
      error: 'invalid_request',
      text: 'The client left before the request was whole.',
    },
  }

function translate(error: FastifyError, request: FastifyRequest, log: Logger): ErrorAnswer {
  const refusal = FASTIFY_REFUSALS[error.code]
  if (refusal !== undefined) {
    const { status, error: code, text } = refusal
    return new ErrorAnswer({ status, error: code, description: text })
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    const description = 'The request is malformed.'
    return new ErrorAnswer({
      status: error.statusCode,
      error: 'invalid_request',
      description,
      reason: `invalid_request:${error.code}`,
    })
  }
  log.error(
    { kind: 'error', request_id: request.id, reason: errorSummary(error) },
    'a request failed',
  )
  return new ErrorAnswer({
    status: 500,
    error: 'server_error',
    description: 'Something went wrong here; the request id leads to it in the log.',
  })
}
