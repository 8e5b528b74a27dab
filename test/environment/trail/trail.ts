import type { AuditEvent, Cluster } from '../cluster/cluster.ts'
import type { AuditLines } from './audit-lines.ts'
import type { ClusterRecord, Footprints } from './footprints.ts'

/** What a call left behind, by the id that rolecall gave its request (`X-Request-Id`). */
export type Trail = (requestId: string) => Promise<Footprints>

/**
 * Finds what rolecall and the cluster wrote of a call. They are joined by the request id alone: it is
 * in rolecall's audit line, goes up in the User-Agent, and the MCP server hands that on to the API
 * server, whose audit events have it. Nothing is guessed from times or names.
 */
export function createTrail(lines: AuditLines, cluster: Pick<Cluster, 'auditEvents'>): Trail {
  return async (requestId) => {
    const rolecall = await lines.find(requestId)
    const events = await cluster.auditEvents()
    return {
      ...(rolecall && { rolecall }),
      cluster: events.filter((event) => isOf(event, requestId)).map(recordOf),
    }
  }
}

function isOf({ userAgent = '' }: AuditEvent, requestId: string): boolean {
  return userAgent.includes(`(req=${requestId})`)
}

function recordOf(event: AuditEvent): ClusterRecord {
  const { user, verb, responseStatus } = event
  return {
    ...(user.username !== undefined && { user: user.username }),
    verb,
    what: whatOf(event),
    code: responseStatus.code,
    text: JSON.stringify(event),
  }
}

function whatOf({ objectRef, requestURI }: AuditEvent): string {
  const { resource, subresource, namespace, name } = objectRef ?? {}
  if (resource === undefined) return requestURI.split('?', 1)[0] ?? ''
  const kind = subresource === undefined ? resource : `${resource}/${subresource}`
  return [kind, name, ...(namespace === undefined ? [] : [`in ${namespace}`])]
    .filter((part) => part !== undefined && part !== '')
    .join(' ')
}
