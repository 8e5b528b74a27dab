import { randomUUID } from 'node:crypto'

const wellFormed = /^[A-Za-z0-9._-]{8,64}$/

/**
 * The id under which a request is logged here, at the upstream and in the API server's audit log.
 *
 * @param claimed the `X-Request-Id` of a trusted proxy; a value that is not 8 to 64 of
 *   `A-Z a-z 0-9 . _ -` is passed over. Whether the peer is to be trusted is the caller's question.
 */
export function requestId(claimed?: string): string {
  return claimed !== undefined && wellFormed.test(claimed) ? claimed : randomUUID()
}
