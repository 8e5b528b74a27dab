import { Readable } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import type { FastifyReply } from 'fastify'
import type { ExchangeOwner, OpenExchange, OpenExchanges } from '../../forward/open-exchanges.ts'

const ENDED = new Error('the exchange was ended with its token, or its client left')

/** An exchange with the fleet: counted for its user, and ended with its token, as one with an upstream. */
export class FleetExchange implements OpenExchange {
  readonly owner: ExchangeOwner
  /** The SDK keeps its streams alive itself. */
  readonly tickEvery = Number.POSITIVE_INFINITY
  readonly #reply: FastifyReply
  readonly #ended = new AbortController()

  constructor(reply: FastifyReply, owner: ExchangeOwner, open: OpenExchanges) {
    this.owner = owner
    this.#reply = reply
    open.add(this)
    reply.raw.once('close', () => {
      open.remove(this)
      this.#ended.abort(ENDED)
    })
  }

  /** Aborted when the client has left, or its time is over. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  /** Sends what the fleet answers; its headers at once, also of a stream that is silent. */
  send(response: Response): void {
    const { raw } = this.#reply
    if (raw.destroyed) return
    this.#reply.hijack()
    const headers: Record<string, string | string[]> = { 'cache-control': 'no-store' }
    for (const [name, value] of Object.entries(this.#reply.getHeaders())) {
      if (value !== undefined) headers[name] = String(value)
    }
    for (const [name, value] of response.headers) headers[name] = value
    raw.writeHead(response.status, headers)
    if (response.body === null) {
      raw.end()
      return
    }
    raw.flushHeaders()
    const body = Readable.fromWeb(response.body as NodeReadableStream<Uint8Array>)
    body.on('error', () => raw.destroy())
    raw.once('close', () => body.destroy())
    body.pipe(raw)
  }

  /** The client of a stream sees its regular end, that of a call one that was cut. */
  end(): void {
    const { raw } = this.#reply
    if (this.owner.kind === 'stream' && raw.headersSent) raw.end()
    else raw.destroy()
    this.#ended.abort(ENDED)
  }

  tick(): void {
    // Nothing of it stands still that the signal does not end.
  }
}
