import {
  createMcpHandler,
  InMemoryServerEventBus,
  type McpHttpHandler,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { isJsonObject } from '../../oauth/json.ts'
import { followMember } from '../changes/follow-member.ts'
import type { Fleet } from '../fleet.ts'
import type { FleetRequest } from '../fleet-request.ts'
import { clustersOf } from '../view.ts'

/** A stream for changes of revisions up to 2025-11-25 (GET), on the SDK's own transport. */
export async function openEarlierStream(
  fleet: Fleet,
  server: Server,
  request: Request,
  by: FleetRequest,
): Promise<Response> {
  const transport = new WebStandardStreamableHTTPServerTransport({})
  await server.connect(transport)
  const response = await transport.handleRequest(request)
  const end = (): void => void transport.close().catch(() => undefined)
  if (response.status !== 200 || by.signal.aborted) end()
  else {
    by.signal.addEventListener('abort', end, { once: true })
    const nothing = () => false // is asked on it
    const leave = fleet.state.live.add(by.session, { answer: nothing, cancel: nothing, end })
    by.signal.addEventListener('abort', leave, { once: true })
    const tell = () => void server.sendToolListChanged().catch(() => undefined)
    fleet.state.changes.open(streamOf(fleet, by, tell))
  }
  return response
}

/** Whether a body subscribes (MCP 2026-07-28). */
export function subscribes(body: unknown): boolean {
  return isJsonObject(body) && body['method'] === 'subscriptions/listen'
}

/**
 * The same for 2026-07-28 (`subscriptions/listen`): the SDK tells every subscriber of a handler, and so
 * each has a handler of its own, since a change is one user's.
 *
 * @param create the server for this one request
 * @param listen hands the request to that handler
 */
export async function openSubscription(
  fleet: Fleet,
  by: FleetRequest,
  create: () => Promise<Server>,
  listen: (handler: McpHttpHandler) => Promise<Response>,
): Promise<Response> {
  const bus = new InMemoryServerEventBus()
  const response = await listen(createMcpHandler(create, { legacy: 'reject', bus }))
  if (response.headers.get('content-type') === 'text/event-stream') {
    const tell = () => bus.publish({ kind: 'tools_list_changed' })
    fleet.state.changes.open(streamOf(fleet, by, tell))
  }
  return response
}

function streamOf(fleet: Fleet, by: FleetRequest, tell: () => void) {
  return {
    fleet,
    by,
    tell,
    follow: (now: Fleet, cluster: string, signal: AbortSignal) =>
      followMember(now, by, cluster, signal),
    async clusters(now: Fleet): Promise<string> {
      const { standings } = await clustersOf(now, by)
      return JSON.stringify(
        standings.map(({ member: { resource } }) => [
          resource.name,
          resource.description,
          resource.labels,
          resource.upstream,
          resource.rules,
          resource.allow,
        ]),
      )
    },
  }
}
