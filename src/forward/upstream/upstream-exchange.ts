import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { type Dispatcher, errors } from 'undici'
import type { Clock } from '../../clock.ts'
import type { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { RequestRecord } from '../../observe/record.ts'
import { SmallAnswer } from '../answer/cluster-refusal.ts'
import { type OutcomeReader, outcomeReader } from '../answer/outcome-reader.ts'
import { type AnswerHeaders, isEventStream } from '../answer/response-headers.ts'
import { callOverdue, upstreamFailure } from '../answer/upstream-failure.ts'
import type { ClientResponse } from '../client-response.ts'
import type { ExchangeOwner, OpenExchange, OpenExchanges } from '../open-exchanges.ts'
import type { AnswerFilter } from '../tools/list-filter.ts'
import type { Lease, UpstreamConnections } from './upstream-connections.ts'

/** What happens to an answer on its way back; the exchange itself only moves bytes. */
export interface ExchangeParts {
  /** The client's response. Nothing is written to it before `begin` says so. */
  readonly response: ClientResponse
  readonly owner: ExchangeOwner
  readonly open: OpenExchanges
  readonly clock: Clock
  /** Gets the outcome. */
  readonly record: RequestRecord
  /** `response_timeout`: milliseconds until the upstream's headers. */
  readonly headersTimeout: number
  /** `stream_keep_alive`: milliseconds of silence, after which a comment is sent; 0: never. */
  readonly keepAlive: number
  /** Headers to answer with, or `undefined` when the answer is not to pass (and was given). */
  begin(status: number, headers: IncomingHttpHeaders): AnswerHeaders | undefined
  /** What is made of an answer's bytes, should `begin` let it pass. */
  filter?(status: number, headers: IncomingHttpHeaders): AnswerFilter | undefined
  /** Whether a tool is called as the caller, so that the answer may have the API server's 401 in it. */
  readonly isToolCall: boolean
  /** The answer has the API server's 401 in the result of a tool. */
  refusedByCluster(): void
  /** There is no answer of the upstream's to pass on. */
  fail(answer: ErrorAnswer): void
}

// Made once: they only tell undici that an exchange is over, and an error costs its stack.
const clientLeft = new Error('the client left')
const tokenEnded = new Error('the exchange was ended with its token')
const clientStoodStill = new Error('the client did not read its answer')
const notPassed = new Error('the answer is not passed on')

/** How long back-pressure may stand still: a client that does not read must not hold its call. */
const STANDS_STILL_MS = 60_000

const LEAST_TICK_MS = 50

/** Of a whole answer: what node writes from its stack. */
const MOST_BYTES_AT_ONCE = 12_288

const KEEP_ALIVE = ': keep-alive\n\n'

/**
 * One exchange with the upstream, byte for byte. http-proxy's own reply path (reply-from) is not
 * used: it cannot cancel before the upstream's headers, holds back the headers of a silent stream,
 * and ends idle ones.
 *
 * The upstream is cancelled as soon as the client leaves, before or after its headers; a client that
 * reads slowly slows the upstream down (back-pressure), and one that stands still for a minute is
 * left. Nothing is sent twice: a tool call is not idempotent.
 */
export class UpstreamExchange implements Dispatcher.DispatchHandler, OpenExchange {
  place = -1
  readonly #parts: ExchangeParts
  readonly #began = performance.now()
  #lease: Lease | undefined
  #reader: OutcomeReader | undefined
  /** Of lists of tools, where rules are to be kept; absent: bytes pass as they come. */
  #filter: AnswerFilter | undefined
  /** Of a tool call's answer. */
  #small: SmallAnswer | undefined
  /** An answer that came as a whole: it is sent with its head, in one write. */
  #whole: Buffer | undefined
  /** What the answer says of its length; absent: nothing. */
  #length: string | undefined
  #isKeptAlive = false
  #ended = false
  #paused = false
  #abandoned: Error | undefined
  /** When the client last took something; milliseconds since the epoch. */
  #tookAt = 0
  /** When something was last sent to the client. */
  #sentAt = 0

  constructor(parts: ExchangeParts) {
    this.#parts = parts
    parts.open.add(this)
    if (parts.owner.kind === 'call') parts.record.outcome = 'cut' // until its end was seen
    parts.response.atClose(() => {
      parts.open.remove(this)
      this.#abandon(clientLeft)
    })
  }

  /** Sends the request, unless the exchange is over by now. */
  send(connections: UpstreamConnections, options: Dispatcher.DispatchOptions): void {
    if (this.#abandoned) return
    this.#parts.record.sent_at = performance.now()
    this.#lease = connections.lease()
    this.#lease.client.dispatch(options, this)
  }

  get tickEvery(): number {
    const { keepAlive } = this.#parts
    return keepAlive === 0 ? Number.POSITIVE_INFINITY : Math.max(LEAST_TICK_MS, keepAlive / 4)
  }

  get owner(): ExchangeOwner {
    return this.#parts.owner
  }

  /** The client of a stream sees its regular end, that of a call one that was cut. */
  end(): void {
    const { response, owner } = this.#parts
    if (response.writableEnded)
      response.destroy() // it has its answer, and does not read it
    else if (response.headersSent) {
      if (owner.kind === 'stream') response.end()
      else response.destroy()
    } else if (owner.kind === 'stream')
      return // not a stream yet; the answer will be
    else this.#parts.fail(callOverdue())
    this.#abandon(tokenEnded)
  }

  tick(now: number): void {
    const { response, keepAlive } = this.#parts
    const { writableEnded, writableLength, writableNeedDrain } = response
    const waits = writableNeedDrain || (writableEnded && writableLength > 0)
    if (!waits) {
      this.#tookAt = now
      if (this.#isKeptAlive && now - this.#sentAt >= keepAlive) this.#keepAlive(now)
    } else if (now - this.#tookAt >= STANDS_STILL_MS) {
      response.destroy()
      this.#abandon(clientStoodStill)
    }
  }

  onRequestStart(): void {
    // What ends an exchange ends its connection; undici need not be told apart from that.
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    upstreamHeaders: IncomingHttpHeaders,
  ): void {
    if (status < 200) {
      this.#endIfLate()
      return // 1xx speaks to us, not to the client
    }
    // First what reads the answer: once it has begun, nothing else can be answered in its place.
    this.#reader = outcomeReader(upstreamHeaders)
    if (this.#parts.isToolCall && this.#reader) this.#small = new SmallAnswer()
    this.#filter = this.#parts.filter?.(status, upstreamHeaders)
    const headers = this.#parts.begin(status, upstreamHeaders)
    if (headers === undefined) {
      this.#parts.record.outcome = 'none'
      this.#abandon(notPassed)
      return
    }
    const { response, clock } = this.#parts
    this.#tookAt = clock.now()
    this.#sentAt = this.#tookAt
    response.writeHead(status, headers)
    this.#length = headers['content-length']
    if (!isEventStream(upstreamHeaders)) return
    controller.rawHeaders = null // 2 KB that nobody asks for, while the stream lives
    this.#isKeptAlive = this.#parts.keepAlive > 0 && upstreamHeaders['content-length'] === undefined
    process.nextTick(flushIfSilent, response)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response, clock } = this.#parts
    this.#reader?.push(chunk)
    this.#small?.push(chunk)
    const passed = this.#filter ? this.#filter.push(chunk) : chunk
    if (passed === undefined) {
      this.#breakOff()
      return
    }
    if (passed.length === 0) return
    if (this.#isKeptAlive) this.#sentAt = clock.now()
    if (passed.length <= MOST_BYTES_AT_ONCE && this.#length === String(passed.length)) {
      this.#whole = passed
      return
    }
    if (response.write(passed) || this.#paused) return
    this.#paused = true
    this.#tookAt = clock.now()
    controller.pause()
    response.once('drain', () => {
      this.#paused = false
      controller.resume()
    })
  }

  onResponseEnd(): void {
    this.#ended = true
    const { response, record, clock, owner } = this.#parts
    record.outcome = this.#reader?.outcome() ?? 'none'
    // Before the client has its answer, so that its next request is told.
    const isRefusal = record.outcome === 'tool_error' && this.#small?.hasClusterRefusal()
    if (isRefusal) this.#parts.refusedByCluster()
    if (owner.kind === 'call') record.answered_at = performance.now()
    this.#tookAt = clock.now()
    this.#lease?.release()
    const rest = this.#filter?.end()
    if (rest !== undefined && rest.length > 0) response.write(rest)
    // As text, whose bytes are the same: node:http joins it with the head, which it does with no buffer.
    if (this.#whole) response.end(this.#whole.toString('latin1'), 'latin1')
    else response.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#ended = true
    this.#lease?.destroy(error)
    if (this.#abandoned) return
    const { response, record } = this.#parts
    // A cut answer must not look like a whole one.
    if (response.headersSent) {
      record.outcome = 'cut'
      response.destroy()
    } else {
      record.outcome = 'none'
      this.#parts.fail(upstreamFailure(error))
    }
  }

  /** Some hop in front cuts what is silent (nginx after 60 s); between events a comment is nothing. */
  #keepAlive(now: number): void {
    if (this.#ended || this.#abandoned || !this.#reader?.betweenEvents?.()) return
    this.#sentAt = now
    this.#parts.response.write(KEEP_ALIVE)
  }

  /** undici's own timer starts anew at each 1xx, so that a stream of them would never end. */
  #endIfLate(): void {
    const late = performance.now() - this.#began > this.#parts.headersTimeout
    if (late) this.#lease?.destroy(new errors.HeadersTimeoutError())
  }

  /** What passed so far must not look like the whole. */
  #breakOff(): void {
    const { response, record } = this.#parts
    record.outcome = 'cut'
    record.reason = 'upstream_list_unreadable'
    response.destroy()
    this.#abandon(notPassed)
  }

  #abandon(reason: Error): void {
    if (this.#ended || this.#abandoned) return
    this.#abandoned = reason
    this.#lease?.destroy(reason)
  }
}

/** A silent stream's headers go out at once; with data at hand they go out together. */
function flushIfSilent(response: ServerResponse): void {
  if (!response.writableEnded && !response.destroyed) response.flushHeaders()
}
