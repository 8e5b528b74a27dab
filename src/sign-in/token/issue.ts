import type { KeyRing } from '../../sealing/derived-keys.ts'
import type { ExchangedTokens } from '../provider/exchange.ts'
import { type SignInSession, sealRefreshToken } from '../sealed/refresh-token.ts'
import type { IssuedTokens } from './token-response.ts'

/** How an answer is made of the provider's tokens. */
export interface Issuing {
  /** Those of purpose `refresh token`. */
  readonly keys: KeyRing
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly scope: readonly string[]
  /** The access token as the client gets it. */
  readonly accessToken: string
}

/** The answer to the client (RFC 6749 §5.1); the session goes on in its refresh token. */
export async function issueTokens(
  session: SignInSession,
  { tokens, judged: { principal }, withoutRefresh, groups }: ExchangedTokens,
  { keys, now, scope, accessToken }: Issuing,
): Promise<IssuedTokens> {
  const provider = tokens.refreshToken ?? session.provider
  const userName = principal.identity.user
  const next = { ...session, userName, ...(provider !== undefined && { provider }) }
  const left = principal.expiresAt - now
  return {
    identity: principal.identity,
    ...noticeOf(withoutRefresh, groups),
    answer: {
      access_token: accessToken,
      token_type: 'Bearer',
      expires_in: Math.max(0, Math.floor(left / 1000)),
      ...(provider !== undefined && { refresh_token: await sealRefreshToken(next, keys) }),
      ...(scope.length > 0 && { scope: scope.join(' ') }),
    },
  }
}

/** What somebody has to mend, although there are tokens. */
function noticeOf(
  withoutRefresh: ExchangedTokens['withoutRefresh'],
  groups: ExchangedTokens['groups'],
): Pick<IssuedTokens, 'notice'> {
  if (withoutRefresh) return { notice: { reason: 'no_refresh_token', explanation: withoutRefresh } }
  if (!groups?.explanation) return {}
  const { explanation, trace } = groups
  return { notice: { reason: 'groups_not_known', explanation, ...(trace && { trace }) } }
}
