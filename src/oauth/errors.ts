import { ErrorAnswer } from './error-answer.ts'
import type { ProviderTrace } from './provider-explanation.ts'

/** The error answers of OAuth endpoints (RFC 6749 §5.2, RFC 8707 §2). Descriptions are one sentence. */

export function invalidRequest(description: string): ErrorAnswer {
  return new ErrorAnswer({ status: 400, error: 'invalid_request', description })
}

/** The grant is no longer good: the user has to sign in again. */
export function invalidGrant(description: string, reason = 'invalid_grant'): ErrorAnswer {
  return new ErrorAnswer({ status: 400, error: 'invalid_grant', description, reason })
}

export function invalidTarget(description: string): ErrorAnswer {
  return new ErrorAnswer({ status: 400, error: 'invalid_target', description })
}

export function unsupportedGrantType(): ErrorAnswer {
  return new ErrorAnswer({
    status: 400,
    error: 'unsupported_grant_type',
    description: 'grant_type must be authorization_code or refresh_token.',
  })
}

/** @param byHeader the client used Authorization, and is told the scheme that would do */
export function invalidClient(description: string, byHeader: boolean): ErrorAnswer {
  const headers: Record<string, string> = byHeader
    ? { 'www-authenticate': 'Basic realm="rolecall"' }
    : {}
  return new ErrorAnswer({ status: 401, error: 'invalid_client', description, headers })
}

/**
 * Nothing was decided and nothing was spent: the same request may work later.
 *
 * @param retryAfter seconds
 */
export function temporarilyUnavailable(
  description: string,
  {
    retryAfter,
    reason,
    trace,
  }: {
    readonly retryAfter: number
    readonly reason: string
    readonly trace?: ProviderTrace | undefined
  },
): ErrorAnswer {
  const headers = { 'retry-after': String(retryAfter) }
  return new ErrorAnswer({
    status: 503,
    error: 'temporarily_unavailable',
    description,
    headers,
    reason,
    trace,
  })
}
