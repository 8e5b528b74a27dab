/** What an error answer says (RFC 6749 §5.2), and under which id the log has more. */
export interface ErrorBody {
  readonly error: string
  readonly error_description: string
  readonly request_id: string
}

export interface ErrorAnswerOptions {
  readonly status: number
  readonly error: string
  /** One plain sentence for whoever reads the answer. */
  readonly description: string
  readonly headers?: Readonly<Record<string, string>>
  /** For the log, where it knows more than the client is told. */
  readonly reason?: string
  readonly cause?: unknown
}

/** An answer that is not what was asked for. Thrown; one place turns it into a response. */
export class ErrorAnswer extends Error {
  override readonly name = 'ErrorAnswer'
  readonly status: number
  readonly error: string
  readonly headers: Readonly<Record<string, string>>
  readonly reason: string

  constructor(options: ErrorAnswerOptions) {
    super(options.description, options.cause === undefined ? {} : { cause: options.cause })
    this.status = options.status
    this.error = options.error
    this.headers = options.headers ?? {}
    this.reason = options.reason ?? options.error
  }

  body(requestId: string): ErrorBody {
    return { error: this.error, error_description: this.message, request_id: requestId }
  }
}
