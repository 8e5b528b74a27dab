import type { JSONRPCNotification, JSONRPCResponse } from '@modelcontextprotocol/server'

/** A call that is under way and can be spoken to by later requests of its session. */
export interface LiveExchange {
  /** @returns false for an answer to what this exchange has not asked */
  answer(response: JSONRPCResponse): boolean
  /** @returns false for the cancellation of another call */
  cancel(notification: JSONRPCNotification): boolean
  /** Its session is over. */
  end(): void
}

/**
 * What is under way of each session, for revisions up to 2025-11-25: there a client answers a
 * question, and cancels a call, with a request of its own. It finds those of its session alone, so that
 * nobody answers for another user (the session's id is bound to its user by the route). As many as
 * there are calls and streams, which `[limits]` bounds for each user.
 */
export class LiveExchanges {
  readonly #sessions = new Map<string, Set<LiveExchange>>()

  /** @returns what takes it out again */
  add(session: string, exchange: LiveExchange): () => void {
    const exchanges = this.#sessions.get(session) ?? new Set()
    this.#sessions.set(session, exchanges.add(exchange))
    return () => {
      exchanges.delete(exchange)
      if (exchanges.size === 0 && this.#sessions.get(session) === exchanges) {
        this.#sessions.delete(session)
      }
    }
  }

  answer(session: string, response: JSONRPCResponse): boolean {
    return this.#of(session).some((exchange) => exchange.answer(response))
  }

  cancel(session: string, notification: JSONRPCNotification): boolean {
    return this.#of(session).some((exchange) => exchange.cancel(notification))
  }

  /** What is open of a session that its client has ended. */
  end(session: string): void {
    for (const exchange of this.#of(session)) exchange.end()
  }

  #of(session: string): readonly LiveExchange[] {
    return [...(this.#sessions.get(session) ?? [])]
  }
}
