import type { RelayConfig } from '../config/config.ts'
import { invalidGrant } from './token-error.ts'

/**
 * Ends a session that is as long as sessions may be, or that the operator ended.
 *
 * @param session.began milliseconds since the epoch
 * @param now milliseconds since the epoch
 * @throws ErrorAnswer `invalid_grant`
 */
export function checkSession(
  { began }: { readonly began: number },
  config: Pick<RelayConfig, 'session_lifetime' | 'sessions_valid_after'>,
  now: number,
): void {
  const { session_lifetime: lifetime, sessions_valid_after: validAfter } = config
  if (validAfter !== undefined && began < validAfter) {
    throw invalidGrant(
      'Every session that began as early as this one was ended by the operator; sign in again.',
      'session_ended',
    )
  }
  if (now < began + lifetime) return
  throw invalidGrant(
    'This session has reached its full length (sign_in.session_lifetime); sign in again.',
    'session_over',
  )
}
