import type { GrantOutcome, ProviderTokens } from '../../issuer/token-endpoint/provider-grants.ts'
import { ExplainedAnswer } from '../../oauth/error-answer.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'

/** Our own credential is wrong: somebody has to act, and the client need not ask every second. */
const MISCONFIGURED_RETRY_SECONDS = '10'

/**
 * The tokens in what the identity provider answered to a code or a refresh token.
 *
 * A 400 with an OAuth error ends the session, whatever its code. A refused credential of our own and
 * trouble that may pass end nothing: 503, and the client keeps what it has.
 *
 * @throws ErrorAnswer for everything that is not tokens
 */
export function tokensOf(outcome: GrantOutcome): ProviderTokens {
  switch (outcome.kind) {
    case 'tokens':
      return outcome.tokens
    case 'refused': {
      const { explanation, error, trace, claims } = outcome
      const reason = `provider_refused:${explanation.code ?? error}`
      throw new ExplainedAnswer(explanation, {
        status: 400,
        error: 'invalid_grant',
        reason,
        trace,
        claims,
      })
    }
    case 'misconfigured':
      throw new ExplainedAnswer(outcome.explanation, {
        status: 503,
        error: 'temporarily_unavailable',
        headers: { 'retry-after': MISCONFIGURED_RETRY_SECONDS },
        reason: 'provider_credential',
        trace: outcome.trace,
      })
    case 'unavailable':
      throw temporarilyUnavailable(
        'The identity provider cannot be reached at the moment; nothing is lost, retry in a few seconds.',
        {
          retryAfter: outcome.retryAfter,
          reason: `provider_unavailable:${outcome.reason}`,
          trace: outcome.trace,
        },
      )
  }
}
