import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { type Dispatcher, errors, type Pool } from 'undici'
import type { ErrorAnswer } from '../../oauth/error-answer.ts'
import { type AnswerHeaders, isEventStream } from '../answer/response-headers.ts'
import { upstreamFailure } from '../answer/upstream-failure.ts'
import type { OpenStream, OpenStreams } from '../open-exchanges.ts'

/** What happens to an answer on its way back; the relay itself only moves bytes. */
export interface ExchangeParts {
  /** The client's response. Nothing is written to it before `begin` says so. */
  readonly response: ServerResponse
  /** `response_timeout`: milliseconds until the upstream's headers. */
  readonly headersTimeout: number
  /** Headers to answer with, or `undefined` when the answer is not to pass (and was given). */
  begin(status: number, headers: IncomingHttpHeaders): AnswerHeaders | undefined
  /** The upstream failed before its headers. */
  fail(answer: ErrorAnswer): void
  /** Absent: a call, which may finish. Otherwise a stream that ends with its token. */
  readonly stream?: { readonly expiresAt: number; readonly open: OpenStreams }
}

// Made once: they only tell undici that an exchange is over, and an error costs its stack.
const clientLeft = new Error('the client left')
const streamEnded = new Error('the stream was ended with its token')
const notPassed = new Error('the answer is not passed on')

/**
 * One exchange with the upstream, byte for byte. http-proxy's own reply path (reply-from) is not
 * used: it cannot cancel before the upstream's headers, holds back the headers of a silent stream,
 * and ends idle ones.
 *
 * The upstream is cancelled as soon as the client leaves, before or after its headers; a client that
 * reads slowly slows the upstream down (back-pressure). Nothing is sent twice: a tool call is not
 * idempotent.
 */
export class UpstreamExchange implements Dispatcher.DispatchHandler, OpenStream {
  readonly #relayed: ExchangeParts
  readonly #began = performance.now()
  #controller: Dispatcher.DispatchController | undefined
  #ended = false
  #paused = false
  #abandoned: Error | undefined

  constructor(relayed: ExchangeParts) {
    this.#relayed = relayed
    relayed.response.once('close', () => this.#abandon(clientLeft))
    relayed.stream?.open.add(this)
  }

  send(pool: Pool, options: Dispatcher.DispatchOptions): void {
    pool.dispatch(options, this)
  }

  get expiresAt(): number {
    return this.#relayed.stream?.expiresAt ?? Number.POSITIVE_INFINITY
  }

  /** Ends a stream cleanly: the client sees its regular end, the upstream a closed connection. */
  end(): void {
    const { response } = this.#relayed
    if (!response.headersSent) return // not a stream yet; the answer will be
    response.end()
    this.#abandon(streamEnded)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#abandoned) controller.abort(this.#abandoned)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    upstreamHeaders: IncomingHttpHeaders,
  ): void {
    if (status < 200) {
      this.#endIfLate(controller)
      return // 1xx speaks to us, not to the client
    }
    const headers = this.#relayed.begin(status, upstreamHeaders)
    if (headers === undefined) {
      controller.abort(notPassed)
      return
    }
    const { response } = this.#relayed
    response.writeHead(status, headers)
    if (isEventStream(upstreamHeaders)) process.nextTick(flushIfSilent, response)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.#relayed
    if (response.write(chunk) || this.#paused) return
    this.#paused = true
    controller.pause()
    response.once('drain', () => {
      this.#paused = false
      controller.resume()
    })
  }

  onResponseEnd(): void {
    this.#finish()
    this.#relayed.response.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish()
    if (this.#abandoned || error === notPassed) return
    const { response } = this.#relayed
    // A cut answer must not look like a whole one.
    if (response.headersSent) response.destroy()
    else this.#relayed.fail(upstreamFailure(error))
  }

  /** undici's own timer starts anew at each 1xx, so that a stream of them would never end. */
  #endIfLate(controller: Dispatcher.DispatchController): void {
    const late = performance.now() - this.#began > this.#relayed.headersTimeout
    if (late) controller.abort(new errors.HeadersTimeoutError())
  }

  #abandon(reason: Error): void {
    if (this.#ended || this.#abandoned) return
    this.#abandoned = reason
    this.#relayed.stream?.open.remove(this)
    this.#controller?.abort(reason)
  }

  #finish(): void {
    this.#ended = true
    this.#relayed.stream?.open.remove(this)
  }
}

/** A silent stream's headers go out at once; with data at hand they go out together. */
function flushIfSilent(response: ServerResponse): void {
  if (!response.writableEnded && !response.destroyed) response.flushHeaders()
}
