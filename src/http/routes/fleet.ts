import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../config/config.ts'
import {
  CLUSTER_HEADER,
  type ClusterHeaders,
  namesOtherCluster,
} from '../../fleet/cluster-header.ts'
import { FleetAudit } from '../../fleet/fleet-audit.ts'
import type { FleetEndpoint } from '../../fleet/fleet-server.ts'
import { isTooDeep, MOST_LEVELS } from '../../fleet/nesting.ts'
import { admit } from '../../forward/admit.ts'
import { headerMismatch } from '../../forward/body/json-rpc-refusal.ts'
import type { McpBody } from '../../forward/body/mcp-message.ts'
import type { AccessDecision } from '../../forward/forwarding.ts'
import { noteCalls } from '../../forward/note-calls.ts'
import type { ExchangeOwner, OpenExchanges } from '../../forward/open-exchanges.ts'
import { type ReadRequest, readRequest } from '../../forward/read-request.ts'
import { answerRefused, refuseInJsonRpc } from '../../forward/refuse.ts'
import { readBodiesWhole } from '../../forward/route.ts'
import { bindSessionId, requireSessionId, type SessionOwner } from '../../forward/session-id.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { RequestLog } from '../../observe/request-log.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import type { Endpoint } from '../steps/checks.ts'
import { refusals } from './bearer-challenge.ts'
import { FleetExchange } from './fleet-exchange.ts'
import type { ServedResource } from './resource.ts'

/** What the fleet is served with. */
export interface FleetRouteParts extends ServedResource {
  readonly endpoint: FleetEndpoint
  /** Gives up what the fleet holds, once nothing needs it. */
  close(): Promise<void>
  readonly exchanges: OpenExchanges
  readonly requestLog: RequestLog
  readonly sessionKeys: KeyRing
}

/**
 * The route of the fleet: its requests meet the checks of a resource, are read as those, and are
 * answered by the fleet's own MCP server.
 */
export function fleetScope(parts: FleetRouteParts, config: Config) {
  const { resource, clock, access } = parts
  const { name, path } = resource
  const guard = { access, clock, refuse: refusals(parts, config).answer }
  const endpoint: Endpoint = { name: 'resource', path, resource: name, guard }
  return async (scope: FastifyInstance): Promise<void> => {
    scope.decorateRequest('accessDecision')
    scope.addHook('onClose', () => parts.close())
    readBodiesWhole(scope, config.limits.body_bytes)
    for (const url of [path, `${path}/`]) {
      scope.route({
        url,
        method: ['POST', 'GET', 'DELETE', 'OPTIONS'],
        config: { endpoint },
        handler: async (request, reply) => {
          await answer(request, reply, { ...parts, refuse: guard.refuse, config })
          return reply
        },
      })
    }
  }
}

interface Answering extends FleetRouteParts {
  readonly refuse: ReturnType<typeof refusals>['answer']
  readonly config: Config
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: Answering,
): Promise<void> {
  const { accessDecision: decision, record } = request
  if (decision?.kind !== 'permit') throw new Error('a request reached the fleet without a permit')
  const { limits } = parts.config
  const read = await readRequest(request, 'authorization', limits.batch_messages)
  // A response that is closed by now says so to nobody: its exchange would count for ever.
  if (reply.raw.destroyed) return
  const body = parsed(read)
  noteCalls(read, record, parts.requestLog)
  const differs =
    read.differs ??
    (namesOtherCluster(clusterHeaders(read), body, parts.endpoint.argument())
      ? 'Mcp-Param-Cluster'
      : undefined)
  if (differs !== undefined) {
    refuseInJsonRpc(request, reply, parts.requestLog, {
      reason: 'header_mismatch',
      status: 400,
      text: headerMismatch(read.body, differs),
    })
    return
  }
  await exchange(request, reply, { parts, decision, read, body })
}

/** @throws ErrorAnswer 400 for what could not be written anew for a cluster */
function parsed({ bytes }: ReadRequest): unknown {
  const body: unknown = bytes.length === 0 ? undefined : JSON.parse(bytes.toString())
  if (!isTooDeep(body)) return body
  throw new ErrorAnswer({
    status: 400,
    error: 'invalid_request',
    description: `The body is nested deeper than ${MOST_LEVELS} levels.`,
    reason: 'invalid_request:body',
  })
}

function clusterHeaders({ headers: { passed } }: ReadRequest): ClusterHeaders {
  return {
    cluster: passed.get(CLUSTER_HEADER),
    protocolVersion: passed.get('mcp-protocol-version'),
  }
}

interface Judged {
  readonly parts: Answering
  readonly decision: Extract<AccessDecision, { kind: 'permit' }>
  readonly read: ReadRequest
  /** Of the bytes that were read; `undefined`: none. */
  readonly body: unknown
}

async function exchange(
  request: FastifyRequest,
  reply: FastifyReply,
  judged: Judged,
): Promise<void> {
  const { parts, decision, read } = judged
  const { record } = request
  const { principal } = decision.permit
  const sessionOf = { resource: parts.resource.name, user: principal.userKey }
  let admitted: Admitted
  try {
    admitted = admitToFleet(request, judged, sessionOf)
  } catch (error) {
    answerRefused(request, reply, { ...parts, body: read.body, error })
    return
  }
  const { owner, session } = admitted
  const audit = new FleetAudit(record, read.body, parts.requestLog)
  const open = new FleetExchange(reply, { owner, record, audit }, parts.exchanges)
  record.decision = 'allow'
  record.acts_as = 'caller'
  const { passed } = read.headers
  const response = await parts.endpoint.handle(
    webRequest(request, read, open.signal, parts.config),
    judged.body,
    {
      principal,
      session,
      record,
      audit,
      trace: new Map([...passed].filter(([name]) => name.startsWith('trace'))),
      signal: open.signal,
    },
  )
  if (begins(read.body) && response.ok) {
    response.headers.set(
      'mcp-session-id',
      bindSessionId(parts.endpoint.newSession(judged.body), sessionOf, parts.sessionKeys),
    )
  }
  open.send(response)
}

interface Admitted {
  readonly owner: ExchangeOwner
  /** Empty: the request came without one. */
  readonly session: string
}

/** @throws ErrorAnswer for what can be said before anything is asked of a cluster */
function admitToFleet(request: FastifyRequest, judged: Judged, sessionOf: SessionOwner): Admitted {
  const { parts, read } = judged
  const { name } = parts.resource
  const owner = admit(request, { ...judged, resource: name }, { ...parts, ...parts.config })
  const { sessionId } = read.headers
  const session =
    sessionId === undefined ? '' : requireSessionId(sessionId, sessionOf, parts.sessionKeys)
  return { owner, session }
}

/** Revisions up to 2025-11-25 begin with it. */
function begins(body: McpBody): boolean {
  return body.kind === 'messages' && body.messages.some(({ method }) => method === 'initialize')
}

/** Without a credential: what the SDK gets needs none. */
function webRequest(
  { method }: FastifyRequest,
  { bytes, headers }: ReadRequest,
  signal: AbortSignal,
  { public_url: origin, fleet }: Config,
): Request {
  return new Request(`${origin}${fleet?.resource.path ?? ''}`, {
    method,
    headers: [...headers.passed].map(([name, value]): [string, string] => [name, value]),
    signal,
    ...(method === 'POST' && { body: bytes }),
  })
}
