import type { Clock } from '../../clock.ts'
import type { ProtectedResource, RelayConfig } from '../../config/config.ts'
import type { ProviderGrants } from '../../issuer/token-endpoint/provider-grants.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import type { ExchangedTokens, TokenExchange } from '../provider/exchange.ts'
import { openRefreshToken, type SignInSession } from '../sealed/refresh-token.ts'
import type { SessionNames } from '../sessions/session-names.ts'
import type { WantedClaims } from '../sessions/wanted-claims.ts'
import type { SignInTrail } from '../sign-in-trail.ts'
import type { SingleUse } from '../single-use/single-use.ts'
import type { SignInResource } from './judge-tokens.ts'
import { checkSameUser, checkSessionLimits, providerTokenOf, sessionEnd } from './session-checks.ts'
import type { RefreshGrant } from './token-request.ts'
import type { IssuedTokens } from './token-response.ts'

/** What every refresh works with, whatever the mode. */
export interface RefreshParts {
  readonly signIn: Pick<RelayConfig, 'session_lifetime' | 'sessions_valid_after'>
  /** Those of purpose `refresh token`. */
  readonly keys: KeyRing
  readonly sessionNames: SessionNames
  readonly grants: Pick<ProviderGrants, 'refresh'>
  readonly exchange: TokenExchange
  readonly singleUse: SingleUse
  readonly wantedClaims: WantedClaims
  readonly clock: Clock
}

/** What tells the modes apart. */
export interface RefreshRules {
  readonly trail: SignInTrail
  /** The client's own claims request. */
  readonly claims: string | undefined
  /**
   * That this client may refresh this session, before anything is spent.
   *
   * @throws ErrorAnswer
   */
  checkOwner(session: SignInSession): Promise<void> | void
  /**
   * The resources that the refreshed token may be for; the first that takes it counts.
   *
   * @throws ErrorAnswer
   */
  resourcesFor(session: SignInSession): readonly SignInResource[]
  /**
   * What is further checked of the provider's answer.
   *
   * @throws ErrorAnswer
   */
  checkTokens?(session: SignInSession, exchanged: ExchangedTokens): void
  issue(
    session: SignInSession,
    exchanged: ExchangedTokens,
    resources: readonly SignInResource[],
  ): Promise<IssuedTokens>
}

/**
 * Refreshes a session (RFC 6749 §6): once for each refresh token (rotation with reuse detection,
 * RFC 9700 §4.14.2), and at the identity provider each time, so that a disabled account ends.
 *
 * @throws ErrorAnswer every refusal; nothing is spent by a 401 or a 503
 */
export async function refresh(
  { refreshToken }: RefreshGrant,
  rules: RefreshRules,
  parts: RefreshParts,
): Promise<IssuedTokens> {
  const { signIn, keys, sessionNames, singleUse, clock } = parts
  const session = await openRefreshToken(refreshToken, keys)
  rules.trail.client = { id: session.client, name: session.clientName }
  rules.trail.user = session.userName
  await rules.checkOwner(session)
  checkSessionLimits(session, signIn, clock.now())
  const resources = rules.resourcesFor(session)
  const token = {
    kind: 'refresh_token',
    id: session.id,
    family: session.family,
    familyUntil: sessionEnd(session, signIn),
    generation: session.generation,
    user: session.user,
    session: { began: session.began, names: sessionNames.ofSession(session) },
  } as const
  return singleUse.once(token, async () => {
    const exchanged = await askProvider(session, resources, rules.claims, parts)
    checkSameUser(session, exchanged)
    rules.checkTokens?.(session, exchanged)
    return rules.issue(session, exchanged, resources)
  })
}

async function askProvider(
  session: SignInSession,
  resources: readonly SignInResource[],
  sent: string | undefined,
  { grants, exchange, wantedClaims }: RefreshParts,
): Promise<ExchangedTokens> {
  const refreshToken = providerTokenOf(session)
  const scope = scopeOf(resources[0]?.resource)
  const claims = sent ?? (await wantedClaims.ofSession(session))
  const obtaining = exchange.obtain({
    grant: 'refresh_token',
    key: session.id,
    session: session.family,
    candidates: resources,
    // OpenID Connect Core §12.2: a refresh may bring none, and one that it brings has no nonce.
    idToken: { required: false },
    refreshToken,
    ask: () => grants.refresh({ refreshToken, scope, claims }),
  })
  const exchanged = await wantedClaims.whileAsking(session, claims, obtaining)
  if (claims !== undefined) await wantedClaims.settle(session)
  return exchanged
}

function scopeOf(resource: ProtectedResource | undefined): readonly string[] {
  return resource?.request_scopes ?? []
}
