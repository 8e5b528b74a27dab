import type { TokenOpener } from '../../access/token-opener.ts'
import type { SignInConfig } from '../../config/config.ts'
import { endedByOperator } from '../token/session-checks.ts'

/**
 * Judges the sessions that sealed tokens were handed out in, by one configuration.
 *
 * Not checked: `session_lifetime`, which bounds refreshing; the last token ends with the token inside.
 */
export function sessionRefusals(signIn: SignInConfig): TokenOpener['refuseSession'] {
  return (session) => {
    if (signIn.mode === 'off') return undefined
    if (endedByOperator(session, signIn)) {
      return { reason: 'session_ended', by: 'sessions_valid_after' }
    }
    return undefined
  }
}
