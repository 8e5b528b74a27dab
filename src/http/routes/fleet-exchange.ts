import { Readable } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import type { FastifyReply } from 'fastify'
import type { FleetAudit } from '../../fleet/fleet-audit.ts'
import { outcomeReader } from '../../forward/answer/outcome-reader.ts'
import type { ExchangeOwner, OpenExchange, OpenExchanges } from '../../forward/open-exchanges.ts'
import type { RequestRecord } from '../../observe/record.ts'

const ENDED = new Error('the exchange was ended with its token, or its client left')

/** Whose exchange it is, and what the log says of it. */
export interface FleetExchangeParts {
  readonly owner: ExchangeOwner
  readonly record: RequestRecord
  readonly audit: FleetAudit
}

/** An exchange with the fleet: counted for its user, and ended with its token, as one with an upstream. */
export class FleetExchange implements OpenExchange {
  place = -1
  readonly owner: ExchangeOwner
  /** The SDK keeps its streams alive itself. */
  readonly tickEvery = Number.POSITIVE_INFINITY
  readonly #parts: FleetExchangeParts
  readonly #reply: FastifyReply
  readonly #ended = new AbortController()

  constructor(reply: FastifyReply, parts: FleetExchangeParts, open: OpenExchanges) {
    this.owner = parts.owner
    this.#parts = parts
    this.#reply = reply
    open.add(this)
    reply.raw.once('close', () => {
      open.remove(this)
      this.#ended.abort(ENDED)
      parts.audit.end('client_left')
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
      this.#parts.audit.end('invalid_request')
      raw.end()
      return
    }
    raw.flushHeaders()
    const body = Readable.fromWeb(response.body as NodeReadableStream<Uint8Array>)
    this.#readOutcome(response, body)
    body.on('error', () => raw.destroy())
    raw.once('close', () => body.destroy())
    body.pipe(raw)
  }

  /** For the request line, which is written when the response closes. */
  #readOutcome(response: Response, body: Readable): void {
    const { owner, record, audit } = this.#parts
    const reader = outcomeReader(Object.fromEntries(response.headers))
    if (owner.kind === 'call') record.outcome = 'cut' // until its end was seen
    body.on('data', (piece: Uint8Array) => reader?.push(Buffer.from(piece)))
    body.once('end', () => {
      audit.end('invalid_request')
      // A refusal of ours is no answer of an upstream.
      record.outcome = audit.isAnswered ? (reader?.outcome() ?? 'none') : 'none'
    })
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
