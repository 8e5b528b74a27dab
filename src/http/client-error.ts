import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { requestId } from '../observe/request-id.ts'

/**
 * Answers what node:http could not make a request of: malformed, too large or too slow. Nobody has
 * read it, so that nothing of it is logged or repeated.
 *
 * @param answering the last response on this socket; when it has begun, or is the answer to the very
 *   request that does not end, a second answer would be read as part of it or as the answer to the
 *   next request (response splitting), and the connection is closed instead
 */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  answering: ServerResponse | undefined,
): void {
  const busy =
    answering?.headersSent === true && !(answering.writableFinished && answering.req.complete)
  if (error.code === 'ECONNRESET' || !socket.writable || busy) {
    socket.destroy()
    return
  }
  const answer = answerFor(error.code)
  const id = requestId()
  const body = JSON.stringify(answer.body(id))
  socket.end(
    [
      `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      `X-Request-Id: ${id}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  )
}

function answerFor(code: string | undefined): ErrorAnswer {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new ErrorAnswer({
      status: 431,
      error: 'headers_too_large',
      description: 'The request headers are larger than `limits.header_bytes` allows.',
    })
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new ErrorAnswer({
      status: 408,
      error: 'request_timeout',
      description:
        'The request did not arrive in time (`limits.header_timeout`, `limits.body_timeout`).',
    })
  }
  return new ErrorAnswer({
    status: 400,
    error: 'invalid_request',
    description: 'The request is not well-formed HTTP/1.1.',
  })
}
