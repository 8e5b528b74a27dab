import { LRUCache } from 'lru-cache'
import { atMost } from '../../at-most.ts'

const MOST_ENDED = 20_000
const FORGOTTEN_AFTER_MS = 86_400_000

/**
 * Sessions of the fleet that their clients have ended, for as long as there is room: no later request
 * may use one. Known where the session was ended; another replica, which keeps none, still takes its id.
 */
export class EndedSessions {
  readonly #ended = new LRUCache<string, true>({
    ...atMost(MOST_ENDED),
    ttl: FORGOTTEN_AFTER_MS,
  })

  add(session: string): void {
    this.#ended.set(session, true)
  }

  has(session: string): boolean {
    return this.#ended.has(session)
  }
}

/** As for an id that was never given out. */
export function sessionIsOver(): Response {
  const description = 'This MCP session was ended by its client; initialize again.'
  const body = { error: 'session_not_found', error_description: description }
  return Response.json(body, { status: 404 })
}
