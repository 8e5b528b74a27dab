import { member, text } from '../../oauth/claims.ts'
import { readClaimsRequest } from '../../oauth/claims-request.ts'
import { type JsonObject, parseObject } from '../../oauth/json.ts'
import { printableError } from '../../oauth/printable.ts'
import type { ProviderTrace } from '../../oauth/provider-explanation.ts'
import { explainProviderError } from '../errors/entra-errors.ts'
import { needsSignIn } from '../errors/oauth-errors.ts'
import type { GrantOutcome } from './provider-grants.ts'

/** An answer of the token endpoint that is not 200. */
export interface TokenErrorResponse {
  readonly status: number
  /** The header. */
  readonly retryAfter?: string
  readonly body: string
}

/** Seconds, where the provider names none. */
export const SHORTEST_RETRY_SECONDS = 5
/** Seconds; whatever the provider asks for, users try again sooner. */
const LONGEST_RETRY_SECONDS = 300

/** Errors of RFC 6749 §4.1.2.1 that say of themselves that they pass. */
const passing = ['temporarily_unavailable', 'server_error']
/** With these a 403 is the answer to the grant; Auth0 refuses a refresh token so. */
const forbidden = ['invalid_grant', 'access_denied']

/**
 * What an answer that is not 200 means (RFC 6749 §5.2). A 401 is about our credential, a 400 with
 * an OAuth error about the grant, and anything else may pass.
 *
 * @param now milliseconds since the epoch
 */
export function judgeErrorResponse(answer: TokenErrorResponse, now: number): GrantOutcome {
  const { status } = answer
  const body = parseObject(answer.body) ?? {}
  const trace = traceOf(status, body)
  const { provider_error: error, suberror, codes } = trace
  const words = text(body, 'error_description')
  const description = words === undefined ? {} : { description: words }
  if (status === 401) {
    // Keycloak says unauthorized_client where the standard has invalid_client.
    const explanation = explainProviderError({ error: 'invalid_client', codes, ...description })
    return { kind: 'misconfigured', explanation, trace }
  }
  if (error === undefined || !refuses(status, error)) {
    const named = error === undefined ? '' : ` with ${error}`
    const reason = `the token endpoint answered ${status}${named}`
    return { kind: 'unavailable', reason, retryAfter: secondsUntil(answer.retryAfter, now), trace }
  }
  const refusal = { error, ...(suberror !== undefined && { suberror }) }
  const explanation = explainProviderError({ ...refusal, codes, ...description })
  const mustSignIn = needsSignIn(error, suberror)
  const claims = readClaimsRequest(text(body, 'claims') ?? '')
  const wanted = claims ? { claims } : {}
  return { kind: 'refused', ...refusal, ...wanted, mustSignIn, explanation, trace }
}

function refuses(status: number, error: string): boolean {
  if (status === 403) return forbidden.includes(error)
  return status === 400 && !passing.includes(error)
}

function traceOf(status: number, body: JsonObject): ProviderTrace {
  const error = text(body, 'error')
  const suberror = text(body, 'suberror')
  const correlation = idOf(body, 'correlation_id')
  const trace = idOf(body, 'trace_id')
  return {
    provider_status: status,
    ...(error !== undefined && { provider_error: printableError(error) }),
    ...(suberror !== undefined && { suberror: printableError(suberror) }),
    codes: codesOf(member(body, 'error_codes')),
    ...(correlation !== undefined && { correlation_id: correlation }),
    ...(trace !== undefined && { trace_id: trace }),
  }
}

/** As Entra's are; anything else could be what was sent, echoed. */
const GUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

function idOf(body: JsonObject, name: string): string | undefined {
  const id = text(body, name)
  return id !== undefined && GUID.test(id) ? id : undefined
}

function codesOf(value: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  return list
    .map(Number)
    .filter((code) => Number.isInteger(code) && code > 0 && code < 1e9)
    .slice(0, 5)
}

/** `Retry-After`: seconds or a date (RFC 9110 §10.2.3). */
function secondsUntil(header: string | undefined, now: number): number {
  const given = header?.trim() ?? ''
  const isDate = /^[A-Z][a-z]{2}, .* GMT$/.test(given)
  const seconds = isDate ? (Date.parse(given) - now) / 1000 : wholeNumber(given)
  if (Number.isNaN(seconds)) return SHORTEST_RETRY_SECONDS
  return Math.min(LONGEST_RETRY_SECONDS, Math.max(1, Math.ceil(seconds)))
}

function wholeNumber(digits: string): number {
  return /^\d{1,9}$/.test(digits) ? Number(digits) : Number.NaN
}
