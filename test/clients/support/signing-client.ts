import type { Person } from './person.ts'
import type { Answer, Call } from './sdk-clients.ts'

export type Protocol = '2025-11-25' | '2026-07-28'

/** Where a client begins with `initialize`, or with what there is since 2026-07-28. */
export function protocolOf(mode: 'legacy' | 'auto'): Protocol {
  return mode === 'auto' ? '2026-07-28' : '2025-11-25'
}

/** A real MCP client that finds out by itself how its person signs in. */
export interface SigningClient {
  readonly name: string
  /** Why it cannot be had on this machine. */
  readonly skip: string | false
  /** The newest revision that it speaks as it is started. */
  readonly protocol: Protocol
  /**
   * Connects as nobody yet, and leaves to its person what only a person can do.
   *
   * @param url all that it is told of the server
   */
  connect(url: string, person: Person): Promise<Connection>
}

/** A client that is signed in. */
export interface Connection {
  tools(): Promise<readonly string[]>
  call(call: Call): Promise<Answer>
  close(): Promise<void>
}
