import {
  describeExplanation,
  type ProviderExplanation,
  type ProviderTrace,
} from './provider-explanation.ts'

/** What an error answer says (RFC 6749 §5.2), and under which id the log has more. */
export interface ErrorBody {
  readonly error: string
  readonly error_description: string
  readonly request_id: string
  /** What the next sign-in must ask for, as Entra tells it: a claims request, JSON. */
  readonly claims?: string
}

export interface ErrorAnswerOptions {
  readonly status: number
  readonly error: string
  /** One plain sentence for whoever reads the answer. */
  readonly description: string
  readonly headers?: Readonly<Record<string, string>>
  /** For the log, where it knows more than the client is told. */
  readonly reason?: string
  /** Of the identity provider's refusal; for the log. */
  readonly trace?: ProviderTrace | undefined
  /** A claims request, JSON. */
  readonly claims?: string | undefined
  readonly cause?: unknown
}

/** An answer that is not what was asked for. Thrown; one place turns it into a response. */
export class ErrorAnswer extends Error {
  override readonly name = 'ErrorAnswer'
  readonly status: number
  readonly error: string
  readonly headers: Readonly<Record<string, string>>
  readonly reason: string
  readonly trace: ProviderTrace | undefined
  readonly claims: string | undefined

  constructor(options: ErrorAnswerOptions) {
    super(options.description, options.cause === undefined ? {} : { cause: options.cause })
    this.status = options.status
    this.error = options.error
    this.headers = options.headers ?? {}
    this.reason = options.reason ?? options.error
    this.trace = options.trace
    this.claims = options.claims
  }

  body(requestId: string): ErrorBody {
    const body = { error: this.error, error_description: this.message, request_id: requestId }
    return this.claims === undefined ? body : { ...body, claims: this.claims }
  }
}

/**
 * The grant was good, and the tokens that it brought are not. A setting is wrong, here or at the
 * provider, so that the same grant may bring good ones once it is right.
 */
export class UnusableTokens extends ErrorAnswer {
  constructor(description: string, reason: string) {
    super({ status: 400, error: 'invalid_grant', description, reason })
  }
}

/** What the identity provider refused. Clients are told it in one line, users in its parts. */
export class ExplainedAnswer extends ErrorAnswer {
  readonly explanation: ProviderExplanation

  constructor(explanation: ProviderExplanation, options: Omit<ErrorAnswerOptions, 'description'>) {
    super({ ...options, description: describeExplanation(explanation) })
    this.explanation = explanation
  }
}
