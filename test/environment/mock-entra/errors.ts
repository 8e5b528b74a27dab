import { randomUUID } from 'node:crypto'
import type { ErrorKind } from './error-kind.ts'
import { grantErrors } from './grant-errors.ts'
import { requestErrors } from './request-errors.ts'

/** The codes that the mock can answer with, as in Microsoft's reference of error codes. */
export type ErrorCode = keyof typeof grantErrors | keyof typeof requestErrors

const errorKinds: Readonly<Record<ErrorCode, ErrorKind>> = { ...grantErrors, ...requestErrors }

/** Whether the mock knows this AADSTS code. */
export function isErrorCode(code: number): code is ErrorCode {
  return Object.hasOwn(errorKinds, code)
}

/** A refusal with an AADSTS code. What it says of the case is public: never a code or a secret. */
export class EntraError extends Error {
  readonly code: ErrorCode
  readonly kind: ErrorKind
  readonly status: number
  /** A JSON string: what the next sign-in must be asked for. */
  readonly claims: string | undefined

  constructor(code: ErrorCode, details: Readonly<Record<string, string>> = {}, claims?: string) {
    const kind: ErrorKind = errorKinds[code]
    super(kind.text.replaceAll(/\{(\w+)\}/g, (_, name: string) => details[name] ?? ''))
    this.code = code
    this.kind = kind
    this.status = kind.status ?? 400
    this.claims = claims ?? kind.claims
  }
}

/** The JSON body of an error answer. */
export interface ErrorBody {
  readonly error: string
  readonly error_description: string
  readonly error_codes: readonly number[]
  readonly timestamp: string
  readonly trace_id: string
  readonly correlation_id: string
  readonly error_uri: string
  readonly suberror?: string
  readonly claims?: string
}

/**
 * The error as the token endpoint answers it.
 *
 * @param error the refusal
 * @param origin the mock's, for `error_uri`
 * @param now milliseconds since the epoch
 */
export function errorBody(error: EntraError, origin: string, now: number): ErrorBody {
  const trace = randomUUID()
  const correlation = randomUUID()
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`
  const { claims } = error
  const { suberror } = error.kind
  return {
    error: error.kind.error,
    error_description:
      `AADSTS${error.code}: ${error.message} ` +
      `Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
    error_codes: [error.code],
    timestamp,
    trace_id: trace,
    correlation_id: correlation,
    error_uri: `${origin}/error?code=${error.code}`,
    ...(suberror ? { suberror } : {}),
    ...(claims ? { claims } : {}),
  }
}
