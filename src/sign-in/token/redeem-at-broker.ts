import { invalidRequest } from '../../oauth/errors.ts'
import { type BrokerContext, type BrokerResource, callbackUrl } from '../broker-context.ts'
import { authenticateClient, checkOwner } from '../clients/client-authentication.ts'
import type { PresentedClient } from '../clients/client-credentials.ts'
import type { ExchangedTokens } from '../provider/exchange.ts'
import { expectedIdToken } from '../provider/id-token.ts'
import { resourceIndicators } from '../resource-indicator.ts'
import { beginSession, type SignInSession } from '../sealed/refresh-token.ts'
import type { SessionIndex } from '../sessions/session-index.ts'
import type { SessionNames } from '../sessions/session-names.ts'
import type { SignInTrail } from '../sign-in-trail.ts'
import type { SingleUse } from '../single-use/single-use.ts'
import { providerProof } from '../transaction/transaction.ts'
import { endOfCode, openCode } from './authorization-code.ts'
import { issueTokens } from './issue.ts'
import { refresh } from './refresh.ts'
import { checkAgreedTokens } from './session-checks.ts'
import type { CodeGrant, TokenRequest } from './token-request.ts'
import type { IssuedTokens } from './token-response.ts'

/** What the token endpoint of one resource works with. */
export interface BrokerTokenParts extends BrokerContext {
  readonly resource: BrokerResource
  readonly trail: SignInTrail
  readonly singleUse: SingleUse
  readonly sessionNames: SessionNames
  readonly sessionIndex: SessionIndex
  /** The access token as clients get it. */
  formatAccessToken(exchanged: ExchangedTokens, session: SignInSession): Promise<string>
}

/** The one scope that clients know; what the identity provider is asked for is ours to say. */
export const BROKER_SCOPE = ['mcp']

/**
 * The token endpoint of mode broker (RFC 6749 §4.1.3, §6). A code is redeemed at the identity
 * provider now, and every refresh goes there too.
 *
 * @throws ErrorAnswer every refusal; nothing is spent by a 401 or a 503
 */
export async function redeemAtBroker(
  { client, grant, resources, claims }: TokenRequest,
  parts: BrokerTokenParts,
): Promise<IssuedTokens> {
  resourceIndicators(parts.config, [parts.resource.resource]).meantBy(resources)
  parts.trail.resource = parts.resource.resource.name
  if (grant.type === 'authorization_code') return redeemCode(grant, { client, claims }, parts)
  const { config, keys, provider } = parts
  return refresh(
    grant,
    {
      trail: parts.trail,
      claims,
      checkOwner: async (session) => {
        await checkOwner(session, client, parts.resource)
        checkAgreedTokens(session, config.sign_in)
      },
      resourcesFor: () => [parts.resource],
      issue: (session, exchanged) => issue(session, exchanged, parts),
    },
    {
      ...parts,
      signIn: config.sign_in,
      keys: keys.for('refresh token'),
      grants: provider.grants,
    },
  )
}

async function redeemCode(
  grant: CodeGrant,
  {
    client: presented,
    claims,
  }: { readonly client: PresentedClient; readonly claims: string | undefined },
  parts: BrokerTokenParts,
): Promise<IssuedTokens> {
  const { clock, keys, resource, singleUse } = parts
  if (presented.ids.length === 0) throw invalidRequest('The parameter client_id is missing.')
  const client = await authenticateClient(presented, resource)
  parts.trail.client = client
  const code = await openCode(grant, keys.for('authorization code'), {
    client: client.id,
    resource: resource.resource.name,
    now: clock.now(),
  })
  const { id, family } = code
  checkAgreedTokens(code, parts.config.sign_in)
  const familyUntil = clock.now() + parts.config.sign_in.session_lifetime
  const until = endOfCode(code)
  return singleUse.once({ kind: 'code', id, family, until, familyUntil }, async () => {
    const { codeVerifier, nonce } = providerProof(code.secret)
    const obtaining = parts.exchange.obtain({
      grant: 'authorization_code',
      key: id,
      candidates: [resource],
      idToken: expectedIdToken(resource.resource, nonce),
      ask: () =>
        parts.provider.grants.redeemCode({
          code: code.provider,
          redirectUri: callbackUrl(parts.config),
          codeVerifier,
          scope: resource.resource.request_scopes,
          claims,
        }),
    })
    const asking = { client: client.id }
    const exchanged = await parts.wantedClaims.whileAsking(asking, claims, obtaining)
    const { principal } = exchanged.judged
    const of = {
      client: client.id,
      ...(client.name !== undefined && { clientName: client.name }),
      bound: { resource: resource.resource.name },
      user: principal.userKey,
      userName: principal.identity.user,
      began: clock.now(),
    }
    const session = { ...beginSession(of, parts.config.sign_in), family }
    parts.sessionIndex.add(session)
    return issue(session, exchanged, parts)
  })
}

async function issue(
  session: SignInSession,
  exchanged: ExchangedTokens,
  parts: BrokerTokenParts,
): Promise<IssuedTokens> {
  return issueTokens(session, exchanged, {
    keys: parts.keys.for('refresh token'),
    now: parts.clock.now(),
    scope: BROKER_SCOPE,
    accessToken: await parts.formatAccessToken(exchanged, session),
  })
}
