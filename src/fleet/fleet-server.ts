import {
  CLIENT_CAPABILITIES_META_KEY,
  createMcpHandler,
  isLegacyRequest,
  type McpHttpHandler,
  type McpRequestContext,
  Server,
} from '@modelcontextprotocol/server'
import { callTool } from './call-tool.ts'
import { FRESH_MS } from './calls/member-lists.ts'
import { clustersListTool } from './clusters-list.ts'
import { endSession } from './end-session.ts'
import type { Fleet } from './fleet.ts'
import type { ArrivedRequest, FleetRequest } from './fleet-request.ts'
import { servePrompts } from './prompts/serve-prompts.ts'
import { serveResources } from './resources/serve-resources.ts'
import { serveEarlier } from './serving/earlier-revisions.ts'
import { sessionIsOver } from './serving/ended-sessions.ts'
import { openEarlierStream, openSubscription, subscribes } from './serving/open-stream.ts'
import { abilitiesInRequest, abilitiesInSession, newSessionId } from './serving/session-facts.ts'
import type { ArgumentName } from './tools/cluster-argument.ts'
import { instructions } from './tools/instructions.ts'
import { clustersOf, shownTools, toolsOf } from './view.ts'

/** The fleet as MCP servers are asked, over HTTP as the Fetch API has it. */
export interface FleetEndpoint {
  /** What the cluster argument is called now. */
  argument(): ArgumentName
  /** @param body the JSON of the request's body, read already; `undefined`: none */
  handle(request: Request, body: unknown, by: ArrivedRequest): Promise<Response>
  /** The id of a session that an `initialize` with this body begins. */
  newSession(body: unknown): string
}

/**
 * The MCP server of the fleet, on the official SDK: both generations, each request by itself. Sessions,
 * which revisions up to 2025-11-25 have, are the route's, and their ids say what must be known of them:
 * every replica can answer.
 *
 * Answered without a cluster: `initialize`, `server/discover`, `ping`.
 */
export function fleetEndpoint(fleet: Fleet): FleetEndpoint {
  const handler: McpHttpHandler = createMcpHandler(
    (context) => serverFor(fleet, requestOf(context)),
    { legacy: 'reject' },
  )
  const earlier = {
    live: fleet.state.live,
    serverFor: (by: FleetRequest) => serverFor(fleet, by),
    endSession: (by: FleetRequest) => endSession(fleet, by),
    openStream: async (request: Request, by: FleetRequest) =>
      openEarlierStream(fleet, await serverFor(fleet, by), request, by),
  }
  return {
    argument: () => fleet.argument,
    newSession: newSessionId,
    async handle(request, parsedBody, arrived) {
      if (fleet.state.ended.has(arrived.session)) return sessionIsOver()
      if (await isLegacyRequest(request, parsedBody)) {
        const abilities = abilitiesInSession(arrived.session)
        return serveEarlier(earlier, request, parsedBody, { ...arrived, abilities })
      }
      const abilities = abilitiesInRequest(parsedBody, CLIENT_CAPABILITIES_META_KEY)
      const by: FleetRequest = { ...arrived, abilities }
      const serve = (served: McpHttpHandler) =>
        served.fetch(request, {
          // The SDK asks for a token's text, and hands it on to every handler: it gets none.
          authInfo: { token: '', clientId: '', scopes: [], extra: { by } },
          ...(parsedBody !== undefined && { parsedBody }),
        })
      return subscribes(parsedBody)
        ? openSubscription(fleet, by, () => serverFor(fleet, by), serve)
        : serve(handler)
    },
  }
}

function requestOf({ authInfo }: McpRequestContext): FleetRequest {
  const by = authInfo?.extra?.['by']
  if (by === undefined) throw new Error('a request reached the fleet without its user')
  return by as FleetRequest
}

async function serverFor(fleet: Fleet, request: FleetRequest): Promise<Server> {
  const { names } = await clustersOf(fleet, request)
  const server = new Server(
    { name: 'rolecall', title: 'Kubernetes clusters', version: fleet.version },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: {},
        prompts: {},
        completions: {},
        logging: {},
      },
      instructions: instructions(names, { argument: fleet.argument, fansOut: fleet.fansOut }),
    },
  )
  server.setRequestHandler('tools/list', async () => {
    const view = await toolsOf(fleet, request, await clustersOf(fleet, request))
    const tools = [clustersListTool, ...shownTools(view, fleet.fansOut)].toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )
    return { tools, ttlMs: FRESH_MS, cacheScope: 'private' }
  })
  server.setRequestHandler('tools/call', ({ params }, context) => {
    const audit = request.audit.of(context.mcpReq.id, params.name)
    return callTool({ fleet, request, params, context, audit })
  })
  server.setRequestHandler('logging/setLevel', ({ params }) => {
    fleet.state.levels.set(request.session, params.level)
    return {}
  })
  serveResources(server, fleet, request)
  servePrompts(server, fleet, request)
  return server
}
