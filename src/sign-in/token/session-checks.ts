import type { RelayConfig } from '../../config/config.ts'
import { texts } from '../../oauth/claims.ts'
import { UnusableTokens } from '../../oauth/error-answer.ts'
import { invalidGrant } from '../../oauth/errors.ts'
import { readJwt } from '../../oauth/jwt.ts'
import type { ExchangedTokens } from '../provider/exchange.ts'
import type { SignInSession } from '../sealed/refresh-token.ts'

type Limits = Pick<RelayConfig, 'session_lifetime' | 'sessions_valid_after'>

/**
 * When a session is over whatever happens, milliseconds since the epoch. A longer `session_lifetime`
 * counts for later sessions alone: what is known of ended ones is known until their own end.
 */
export function sessionEnd(
  { began, ends }: Pick<SignInSession, 'began' | 'ends'>,
  limits: Limits,
): number {
  return Math.min(ends, began + limits.session_lifetime)
}

/** Whether `sessions_valid_after` ended a session. */
export function endedByOperator(
  { began }: Pick<SignInSession, 'began'>,
  { sessions_valid_after: validAfter }: Pick<RelayConfig, 'sessions_valid_after'>,
): boolean {
  return validAfter !== undefined && began < validAfter
}

/**
 * Ends a session that is as long as sessions may be, or that the operator ended.
 *
 * @param now milliseconds since the epoch
 * @throws ErrorAnswer `invalid_grant`
 */
export function checkSessionLimits(
  session: Pick<SignInSession, 'began' | 'ends'>,
  limits: Limits,
  now: number,
): void {
  if (endedByOperator(session, limits)) {
    throw invalidGrant(
      'This session was ended by the operator (sign_in.sessions_valid_after); sign in again.',
      'session_ended',
    )
  }
  if (now < sessionEnd(session, limits)) return
  throw invalidGrant(
    'This session has reached its full length (sign_in.session_lifetime); sign in again.',
    'session_over',
  )
}

/**
 * Ends a session that was allowed for sealed tokens where clients now get the cluster's own: that is
 * more than the user agreed to.
 *
 * @throws ErrorAnswer `invalid_grant`
 */
export function checkAgreedTokens(
  { tokens }: Pick<SignInSession, 'tokens'>,
  config: Pick<RelayConfig, 'tokens'>,
): void {
  if (tokens === config.tokens || tokens === 'passthrough') return
  throw invalidGrant(
    'What clients get here has changed since this was allowed (sign_in.tokens); sign in again.',
    'tokens_changed',
  )
}

/** The identity provider's refresh token. @throws ErrorAnswer `invalid_grant` where it gave none */
export function providerTokenOf({ provider }: SignInSession): string {
  if (provider !== undefined) return provider
  throw invalidGrant(
    'The identity provider gave no refresh token at sign-in; request_scopes must have offline_access. Sign in again.',
    'no_provider_refresh_token',
  )
}

/**
 * Ends a session that the provider refreshed to another user.
 *
 * @throws ErrorAnswer `invalid_grant`
 */
export function checkSameUser(session: SignInSession, { judged }: ExchangedTokens): void {
  if (judged.principal.userKey === session.user) return
  throw invalidGrant(
    'The identity provider refreshed the session to another person; sign in again.',
    'another_user',
  )
}

/**
 * Refuses tokens for an audience that a session is not bound to: resources may share some audiences
 * and not others.
 *
 * @throws UnusableTokens
 */
export function checkAudience({ bound }: SignInSession, { judged }: ExchangedTokens): void {
  if (!('audiences' in bound) || bound.audiences.length === 0) return
  const { claims } = readJwt(judged.bearer) ?? { claims: {} }
  if (texts(claims, 'aud').some((audience) => bound.audiences.includes(audience))) return
  throw new UnusableTokens(
    'The identity provider refreshed the session to another audience; request_scopes of the resources differ in what they ask for.',
    'another_audience',
  )
}
