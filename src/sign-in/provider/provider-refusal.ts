import { explainProviderError } from '../../issuer/errors/entra-errors.ts'
import { printableError } from '../../oauth/printable.ts'
import {
  describeExplanation,
  type ProviderExplanation,
  type ProviderTrace,
} from '../../oauth/provider-explanation.ts'
import type { BrowserLog } from '../authorize/browser-answer.ts'

/** An error that the identity provider sent a browser back with. */
export interface ProviderRefusal {
  readonly error: string
  readonly description?: string
}

/** What is the user's to know, and a client may show. */
const passedOn = new Set([
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
  'temporarily_unavailable',
])

/**
 * The error for the client, in our words. What only the operator can mend is `server_error`: the
 * request that the provider refused was ours, not the client's.
 */
export function clientError(sent: ProviderRefusal): {
  readonly error: string
  readonly description: string
  readonly explanation: ProviderExplanation
  readonly log: BrowserLog
} {
  const error = printableError(sent.error)
  const explanation = explainProviderError({
    error,
    codes: [],
    ...(sent.description !== undefined && { description: sent.description }),
  })
  return {
    error: passedOn.has(error) ? error : 'server_error',
    description: describeExplanation(explanation),
    explanation,
    log: {
      decision: 'refuse',
      reason: `provider_refused:${explanation.code ?? error}`,
      explanation,
      trace: traceIn(error, sent.description),
    },
  }
}

/** Entra writes both ids into the text; anything but a GUID could be what was sent, echoed. */
const TRACE_ID = /\bTrace ID: ([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\b/i
const CORRELATION_ID = /\bCorrelation ID: ([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\b/i

function traceIn(error: string, description = ''): ProviderTrace {
  const [, trace] = TRACE_ID.exec(description) ?? []
  const [, correlation] = CORRELATION_ID.exec(description) ?? []
  return {
    provider_error: error,
    codes: [],
    ...(correlation !== undefined && { correlation_id: correlation }),
    ...(trace !== undefined && { trace_id: trace }),
  }
}
