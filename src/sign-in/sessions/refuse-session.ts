import type { TokenOpener } from '../../access/token-opener.ts'
import type { SignInConfig } from '../../config/config.ts'
import { endedByOperator } from '../token/session-checks.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { SessionNames } from './session-names.ts'

/** By what sessions are judged. */
export interface SessionRules {
  readonly signIn: SignInConfig
  readonly ended: Pick<EndedSessions, 'has'>
  readonly names: SessionNames
}

/**
 * Judges the sessions that sealed tokens were handed out in, by one configuration.
 *
 * Not checked: `session_lifetime`, which bounds refreshing; the last token ends with the token inside.
 */
export function sessionRefusals({
  signIn,
  ended,
  names,
}: SessionRules): TokenOpener['refuseSession'] {
  return ({ family, began, client }, userName) => {
    if (signIn.mode !== 'off' && endedByOperator({ began }, signIn)) {
      return { reason: 'session_ended', by: 'sessions_valid_after' }
    }
    const owners = () => names.ofSession({ userName, client: client.id })
    if (!ended.has({ family, began, names: owners })) return undefined
    return { reason: 'session_ended', by: 'request' }
  }
}
