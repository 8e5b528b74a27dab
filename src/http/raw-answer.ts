import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { ErrorAnswer } from '../oauth/error-answer.ts'
import { requestId } from '../observe/request-id.ts'

/** Writes an answer to a connection that has no request, and closes it. */
export function writeAnswer(socket: Socket, answer: ErrorAnswer): void {
  const { headers, body } = lastAnswer(answer)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const statusLine = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`
  socket.end([statusLine, ...lines, '', body].join('\r\n'), () => socket.destroy())
}

/** Answers a request that goes no further, and closes its connection. */
export function answerAndClose(response: ServerResponse, answer: ErrorAnswer): void {
  const { headers, body } = lastAnswer(answer)
  response.writeHead(answer.status, headers).end(body)
}

/** What every answer has that does not come from the application. */
function lastAnswer(answer: ErrorAnswer): { headers: Record<string, string>; body: string } {
  const id = requestId()
  const body = JSON.stringify(answer.body(id))
  const headers = {
    ...answer.headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-request-id': id,
    connection: 'close',
  }
  return { headers, body }
}
