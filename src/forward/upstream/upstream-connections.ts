import { buildConnector, Client } from 'undici'

/** One connection, for one exchange. */
export interface Lease {
  readonly client: Client
  /** The exchange ended as HTTP has it: the connection can serve another. */
  release(): void
  /** The exchange is over before its end: its connection with it. */
  destroy(reason: Error): void
}

/** Connections that wait for a next request. Beyond, they are closed. */
const MOST_IDLE = 256

/**
 * The connections to one upstream: each exchange has one for itself, so that no call waits behind a
 * stream (head-of-line blocking), and there are never more than there were requests. undici's `Pool`
 * connects anew after each exchange that is aborted: a client that leaves a thousand streams would
 * make a thousand connections that nobody asked for.
 *
 * Nothing is sent twice: a request on a connection that turns out to be closed fails.
 */
export class UpstreamConnections {
  readonly #origin: string
  readonly #options: Client.Options
  /** The last one used is used first. */
  readonly #idle: Client[] = []
  readonly #busy = new Set<Client>()
  #closing = false

  constructor(origin: string, options: Client.Options) {
    this.#origin = origin
    // One for all: each client would make one of its own, and take up no TLS session of the others.
    const { connect } = options
    const connector = typeof connect === 'function' ? connect : buildConnector(connect)
    this.#options = { ...options, connect: connector }
  }

  lease(): Lease {
    const client = this.#idle.pop() ?? this.#create()
    this.#busy.add(client)
    return {
      client,
      release: () => this.#release(client),
      destroy: (reason) => {
        this.#busy.delete(client)
        void client.destroy(reason)
      },
    }
  }

  /** Lets exchanges under way end, then closes their connections. */
  async close(): Promise<void> {
    this.#closing = true
    const clients = [...this.#idle.splice(0), ...this.#busy]
    await Promise.all(clients.map((client) => client.close()))
  }

  #create(): Client {
    const client = new Client(this.#origin, this.#options)
    client.on('disconnect', () => this.#forget(client))
    return client
  }

  #release(client: Client): void {
    if (!this.#busy.delete(client)) return
    if (this.#closing || client.destroyed || this.#idle.length >= MOST_IDLE) void client.close()
    else this.#idle.push(client)
  }

  /** A connection that the upstream or its idle time has closed; the next request gets another. */
  #forget(client: Client): void {
    const at = this.#idle.indexOf(client)
    if (at === -1) return
    this.#idle.splice(at, 1)
    void client.close()
  }
}
