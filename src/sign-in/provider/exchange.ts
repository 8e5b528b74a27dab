import type { Clock } from '../../clock.ts'
import type { GrantOutcome, ProviderTokens } from '../../issuer/token-endpoint/provider-grants.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'
import type { ProviderExplanation } from '../../oauth/provider-explanation.ts'
import { EXCHANGE_MS } from '../deadlines.ts'
import { type JudgedTokens, judgeTokens, type SignInResource } from '../token/judge-tokens.ts'
import type { CodeGrant, RefreshGrant } from '../token/token-request.ts'
import { type AskedGroups, askForGroups, type MemberGroupsSource } from './asked-groups.ts'
import { type ExpectedIdToken, judgeIdToken, type VerifyIdToken } from './id-token.ts'
import { PendingTokens } from './pending-tokens.ts'
import { tokensOf } from './provider-outcome.ts'
import { RefreshRate } from './refresh-rate.ts'

type GrantType = CodeGrant['type'] | RefreshGrant['type']

/** What is asked of the identity provider, for whom. */
export interface Asking {
  readonly grant: GrantType
  /** Names the one grant that is redeemed. */
  readonly key: string
  /** The family of a refresh token, whose refreshes are counted. */
  readonly session?: string
  /** The first that takes the token counts. */
  readonly candidates: readonly SignInResource[]
  /** Where groups may be asked for; absent: the candidates. */
  readonly groupsFor?: readonly SignInResource[]
  readonly idToken: ExpectedIdToken
  /** The one that is used up, which stays good where the provider gives no other; absent at sign-in. */
  readonly refreshToken?: string
  ask(): Promise<GrantOutcome>
}

export interface ExchangedTokens {
  readonly tokens: ProviderTokens
  readonly judged: JudgedTokens
  /**
   * Of a sign-in that brought no refresh token: it ends with its first token, and whoever can mend that
   * learns it now and not an hour later.
   */
  readonly withoutRefresh?: ProviderExplanation
  /** Of a token that leaves its user's groups out, where they were asked for. */
  readonly groups?: AskedGroups
}

/** Where tokens come from: the identity provider, judged before anybody gets them. */
export interface TokenExchange {
  /**
   * Asks for tokens and judges them. Nothing is asked while nothing could be judged.
   *
   * @throws ErrorAnswer 503, or 429 for a session that refreshes too often, when it may work later,
   *   and then the same grant still does; else 400
   */
  obtain(asking: Asking): Promise<ExchangedTokens>
}

export interface TokenExchangeParts {
  readonly clock: Clock
  /** How often the provider is asked to refresh one session. */
  readonly refreshesPerMinute: number
  /** Whether the provider's keys are there. */
  decides(): boolean
  readonly verifyIdToken: VerifyIdToken
  /** Told of everything that the provider answered, for the log. */
  onOutcome(grant: GrantType, outcome: GrantOutcome): void
  /** Absent: groups that a token leaves out are not asked for. */
  readonly memberGroups: MemberGroupsSource | undefined
  /** What makes the provider give refresh tokens, for the operator. */
  refreshTokenRemedy(judged: JudgedTokens): string
}

export function createTokenExchange({
  clock,
  refreshesPerMinute,
  decides,
  verifyIdToken: verify,
  onOutcome,
  memberGroups,
  refreshTokenRemedy,
}: TokenExchangeParts): TokenExchange {
  const pending = new PendingTokens(clock)
  const rate = new RefreshRate(refreshesPerMinute, clock)
  const askedFor = async ({ grant, session, ask }: Asking): Promise<ProviderTokens> => {
    if (session !== undefined) rate.count(session)
    const outcome = await ask()
    onOutcome(grant, outcome)
    return tokensOf(outcome)
  }
  const judge = async (
    tokens: ProviderTokens,
    { candidates, idToken }: Asking,
  ): Promise<JudgedTokens> => {
    const judged = await judgeTokens(tokens, candidates, () => clock.now())
    await judgeIdToken(tokens, judged, { ...idToken, verify })
    return judged
  }
  return {
    async obtain(asking) {
      if (!decides()) {
        throw temporarilyUnavailable(
          'The keys of the identity provider are not known at the moment; retry in a few seconds.',
          { retryAfter: 5, reason: 'no_keys' },
        )
      }
      const deadline = clock.now() + EXCHANGE_MS
      const tokens = pending.take(asking.key) ?? (await askedFor(asking))
      try {
        const judging = judge(tokens, asking)
        const judged = await within(judging, deadline - clock.now(), clock)
        const asked = askForGroups(
          { judged, refreshToken: tokens.refreshToken ?? asking.refreshToken },
          asking.groupsFor ?? asking.candidates,
          memberGroups,
        )
        const groups = await within(asked, deadline - clock.now(), clock)
        const exchanged = { tokens, judged, ...(groups && { groups }) }
        const isSignIn = asking.grant === 'authorization_code'
        if (!isSignIn || tokens.refreshToken !== undefined) return exchanged
        return { ...exchanged, withoutRefresh: noRefreshToken(refreshTokenRemedy(judged)) }
      } catch (error) {
        // The provider has spent its side of the grant: the same request must be able to go on.
        if (error instanceof ErrorAnswer && error.status === 503) pending.keep(asking.key, tokens)
        throw error
      }
    },
  }
}

function noRefreshToken(remedy: string): ProviderExplanation {
  return {
    what: 'The identity provider gave no refresh token, so that this user signs in again when the token ends.',
    whose: 'operator',
    remedy,
  }
}

/** Waits so many milliseconds and no longer. */
async function within<T>(work: Promise<T>, milliseconds: number, clock: Clock): Promise<T> {
  let cancel = (): void => undefined
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(Math.max(0, milliseconds), () => reject(tooSlow()))
  })
  return Promise.race([work, late]).finally(() => cancel())
}

function tooSlow(): ErrorAnswer {
  return temporarilyUnavailable(
    'The identity provider takes too long at the moment; nothing is lost, retry in a few seconds.',
    { retryAfter: 5, reason: 'provider_too_slow' },
  )
}
