import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ErrorAnswer } from '../oauth/error-answer.ts'
import { requestId } from '../observe/request-id.ts'

/** Writes an answer to a connection that has no request, and closes it. */
export function writeAnswer(socket: Socket, answer: ErrorAnswer): void {
  const id = requestId()
  const body = JSON.stringify(answer.body(id))
  const further = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`)
  socket.end(
    [
      `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      `X-Request-Id: ${id}`,
      ...further,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  )
}
