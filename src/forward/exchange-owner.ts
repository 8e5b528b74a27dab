import type { FastifyRequest } from 'fastify'
import type { McpMessage } from './body/mcp-message.ts'
import type { AccessDecision } from './forwarding.ts'
import type { ExchangeOwner } from './open-exchanges.ts'
import type { ReadRequest } from './read-request.ts'

/** A request that access let through, at the resource of this name. */
export interface Owned {
  readonly resource: string
  readonly decision: Extract<AccessDecision, { kind: 'permit' }>
  readonly read: ReadRequest
}

/** What subscribes is a stream, wherever in a batch it stands. */
export function exchangeOwner(
  request: FastifyRequest,
  { decision, resource, read }: Owned,
): ExchangeOwner {
  const { principal } = decision.permit
  const messages = read.body.kind === 'messages' ? read.body.messages : []
  const requests = messages.filter(({ id, method }) => id !== undefined && method !== undefined)
  const isSubscription = ({ method }: McpMessage) => method === 'subscriptions/listen'
  // Some servers also make a call that has no id, whose answer nobody waits for.
  const calls = messages.filter(
    (message) =>
      !isSubscription(message) && (message.tool !== undefined || requests.includes(message)),
  ).length
  const isStream = request.method === 'GET' || messages.some(isSubscription)
  return {
    kind: isStream ? 'stream' : 'call',
    resource,
    user: principal.userKey,
    expiresAt: principal.expiresAt,
    calls: isStream ? calls : Math.max(1, calls),
    isOneWay: requests.length === 0,
    judgedBy: (judge) => judge(resource, decision.authorization()),
  }
}
