/** What the stand-in answers to one request. */
export interface Answer {
  readonly code: number
  readonly contentType: string
  readonly body: string
  /** Of a failure: what the audit event repeats. */
  readonly failure?: { readonly reason: string; readonly message: string }
}

export function jsonAnswer(code: number, body: unknown, contentType = 'application/json'): Answer {
  return { code, contentType, body: JSON.stringify(body) }
}

export function textAnswer(body: string): Answer {
  return { code: 200, contentType: 'text/plain', body }
}

const REASONS = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
} as const

/** Which object a failure is about. */
export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
}

/** A `v1` Status of a failure, in the API server's shape and words. */
export function failure(
  reason: keyof typeof REASONS,
  message: string,
  details?: StatusDetails,
): Answer {
  const code = REASONS[reason]
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details && { details }),
    code,
  }
  return { ...jsonAnswer(code, status), failure: { reason, message } }
}
