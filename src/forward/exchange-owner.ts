import type { FastifyRequest } from 'fastify'
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
  let requests = 0
  let calls = 0
  let isStream = request.method === 'GET'
  for (const message of read.body.kind === 'messages' ? read.body.messages : []) {
    const isRequest = message.id !== undefined && message.method !== undefined
    if (isRequest) requests += 1
    if (message.method === 'subscriptions/listen') isStream = true
    // Some servers also make a call that has no id, whose answer nobody waits for.
    else if (isRequest || message.tool !== undefined) calls += 1
  }
  return {
    kind: isStream ? 'stream' : 'call',
    resource,
    user: principal.userKey,
    expiresAt: principal.expiresAt,
    calls: isStream ? calls : Math.max(1, calls),
    isOneWay: requests === 0,
    judgedBy: (judge) => judge(resource, decision.authorization()),
  }
}
