import type { Client } from '@modelcontextprotocol/client'
import { LOG_LEVEL_META_KEY, type LoggingLevel } from '@modelcontextprotocol/server'
import type { ClusterRequest } from '../fleet-request.ts'
import { isLogLevel, isSevereEnough } from './log-levels.ts'

/** A client that has not said so is sent none (2026-07-28), or what servers see fit (earlier). */
type Wanted = LoggingLevel | 'none' | 'any'

/** From which level on the client of a call wants the log messages of clusters. */
function wantedLevel({ fleet, request, context }: ClusterRequest): Wanted {
  const { envelope } = context.mcpReq
  if (envelope !== undefined) {
    const level = (envelope as Readonly<Record<string, unknown>>)[LOG_LEVEL_META_KEY]
    return isLogLevel(level) ? level : 'none'
  }
  return fleet.state.levels.get(request.session) ?? 'any'
}

/** The level that a cluster is told of; `undefined`: none is named to it. */
export function levelToTell(call: ClusterRequest): LoggingLevel | undefined {
  const wanted = wantedLevel(call)
  return wanted === 'none' || wanted === 'any' ? undefined : wanted
}

/**
 * Hands a cluster's log messages on while it works on a call: on the stream of that call, with the
 * cluster's name before that of the logger.
 */
export function hearLog(call: ClusterRequest, cluster: string, client: Client): void {
  const wanted = wantedLevel(call)
  if (wanted === 'none') return
  client.setNotificationHandler('notifications/message', async ({ params }) => {
    const { level, data, logger } = params
    if (wanted !== 'any' && !isSevereEnough(level, wanted)) return
    const named = logger === undefined ? cluster : `${cluster}: ${logger}`
    await call.context.mcpReq
      .notify({ method: 'notifications/message', params: { level, data, logger: named } })
      .catch(() => undefined) // the client has left
  })
}

/**
 * A client's `_meta` as it goes up to a cluster. One of 2026-07-28 is told with each request from which
 * level on to log.
 */
export function metaTo(
  client: Client,
  given: Readonly<Record<string, unknown>>,
  level: LoggingLevel | undefined,
): { readonly _meta?: Readonly<Record<string, unknown>> } {
  const isTold = level !== undefined && client.getProtocolEra() === 'modern'
  const meta = { ...given, ...(isTold && { [LOG_LEVEL_META_KEY]: level }) }
  return Object.keys(meta).length > 0 ? { _meta: meta } : {}
}
