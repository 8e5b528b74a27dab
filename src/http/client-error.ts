import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import type { LimitName } from '../observe/metrics/limits-reached.ts'
import { writeAnswer } from './raw-answer.ts'

/** The limit that what node:http could not make a request of is beyond. */
export function limitOfClientError(code: string | undefined): LimitName | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 'header_bytes'
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'header_timeout' : undefined
}

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
  writeAnswer(socket, answerFor(error.code))
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
