import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/** A response to a client, as the listener makes it. */
export interface ClientResponse<Request extends IncomingMessage = IncomingMessage>
  extends ServerResponse<Request> {
  /** Calls `run` once it is over: sent as a whole, or its connection closed. */
  atClose(run: () => void): void
}

/** The response that a reply is written to; Fastify's types do not tell that it is ours. */
export function clientResponse({ raw }: FastifyReply): ClientResponse {
  return raw as ClientResponse
}
