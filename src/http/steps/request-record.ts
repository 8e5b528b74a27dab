import type { FastifyInstance, FastifyRequest } from 'fastify'
import { clientResponse } from '../../forward/client-response.ts'
import type { RequestCounts } from '../../observe/metrics/request-counts.ts'
import { openRecord, type RequestRecord } from '../../observe/record.ts'
import type { RequestLog } from '../../observe/request-log.ts'
import type { Tracing } from '../../observe/tracing/tracing.ts'
import type { ClientAddresses } from '../client-address.ts'
import { pathOf } from './raw-request.ts'
import type { Hook } from './step.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the log will say of this request. */
    record: RequestRecord
  }
}

/** Status of a request whose client left before it was answered, as nginx counts them. */
const CLIENT_CLOSED_REQUEST = 499

export interface RecordParts {
  readonly requestLog: RequestLog
  readonly counts: RequestCounts
  readonly open: Hook
}

/** Gives every request its record, which is written once, at the request's end. */
export function recordRequests(app: FastifyInstance, parts: RecordParts): void {
  app.decorateRequest('record')
  app.addHook('onRequest', (request, reply, done) => {
    const response = clientResponse(reply)
    response.atClose(() => closeRequestRecord(request, response, parts))
    parts.open(request, reply, done)
  })
}

/** Opens the request's record and names it in the answer. The first hook of every request. */
export function openRequestRecord(
  addresses: Pick<ClientAddresses, 'of'>,
  tracing: Tracing | undefined,
): Hook {
  return (request, reply, done) => {
    request.record = openRecord({
      requestId: request.id,
      traceparent: request.headers['traceparent'],
      trace: tracing?.begin(request.headers),
      clientIp: addresses.of(request.raw),
      method: request.method,
      path: loggedPath(pathOf(request)),
    })
    reply.header('x-request-id', request.id)
    done()
  }
}

/** Once, however the response ended: writes the line and counts. */
function closeRequestRecord(
  { record }: FastifyRequest,
  response: { readonly headersSent: boolean; readonly statusCode: number },
  { requestLog, counts }: RecordParts,
): void {
  const status = response.headersSent ? response.statusCode : CLIENT_CLOSED_REQUEST
  requestLog.end(record, status)
  counts.count(record, status)
  record.trace?.end(record, status)
}

const LONG_SEGMENT_CHARACTERS = 48
const LONG_SEGMENTS = new RegExp(`[^/]{${LONG_SEGMENT_CHARACTERS},}`, 'g')

/** A path for the log. A long segment is no path of ours, and could be a token gone astray. */
function loggedPath(path: string): string {
  if (path.length < LONG_SEGMENT_CHARACTERS) return path
  return path.replace(LONG_SEGMENTS, '…').slice(0, 200)
}
