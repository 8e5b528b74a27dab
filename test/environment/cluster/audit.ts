import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { ClusterUser } from './authentication.ts'
import type { AuditEvent, AuditObject } from './cluster.ts'
import { type RequestInfo, readRequestInfo } from './request-info.ts'
import type { Answer } from './stand-in/status.ts'

/** One request and what came of it. */
export interface AnsweredRequest {
  readonly request: IncomingMessage
  /** The client's address. */
  readonly source: string
  readonly received: Date
  readonly user: ClusterUser | undefined
  readonly answered: Answer
  /** Why nobody was authenticated. */
  readonly refused: string | undefined
}

/**
 * The audit event of an answered request, in the shape of `audit.k8s.io/v1` at level Metadata. Of a
 * refused token it says in an annotation why; never anything of the token itself.
 */
export function auditEvent(answeredRequest: AnsweredRequest): AuditEvent {
  const { request, source, received, user, answered, refused } = answeredRequest
  const target = request.url ?? ''
  const url = URL.canParse(`https://cluster${target}`) && new URL(`https://cluster${target}`)
  const info = url ? readRequestInfo(request.method ?? '', url) : undefined
  const userAgent = request.headers['user-agent']
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: randomUUID(),
    stage: 'ResponseComplete',
    requestURI: target,
    verb: info?.verb ?? '',
    user: user ?? {},
    sourceIPs: [source],
    ...(userAgent !== undefined && { userAgent }),
    ...(info?.kind === 'resource' && { objectRef: objectRef(info) }),
    responseStatus: {
      code: answered.code,
      ...(answered.failure && { status: 'Failure', ...answered.failure }),
    },
    requestReceivedTimestamp: microTime(received),
    stageTimestamp: microTime(new Date()),
    ...(refused !== undefined && { annotations: { 'rolecall.stand-in/refused': refused } }),
  }
}

function objectRef(info: RequestInfo & { kind: 'resource' }): AuditObject {
  const { resource, subresource, namespace, name, apiGroup, apiVersion } = info
  return {
    resource,
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(apiGroup !== '' && { apiGroup }),
    apiVersion,
  }
}

function microTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z')
}
