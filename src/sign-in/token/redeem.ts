import { invalidRequest } from '../../oauth/errors.ts'
import { providerProof } from '../authorize/transaction.ts'
import { type BrokerContext, type BrokerResource, callbackUrl } from '../broker-context.ts'
import { authenticateClient, checkOwner } from '../clients/client-authentication.ts'
import type { PresentedClient } from '../clients/client-credentials.ts'
import type { ExchangedTokens } from '../provider/exchange.ts'
import { checkNonce } from '../provider/provider-nonce.ts'
import { resourceIndicators } from '../resource-indicator.ts'
import {
  beginSession,
  checkAgreed,
  checkPerson,
  checkSession,
  endOf,
  issueTokens,
  openSession,
  providerTokenOf,
  type Session,
} from '../sealed/refresh-token.ts'
import type { SingleUse } from '../single-use/single-use.ts'
import { endOfCode, openCode } from './authorization-code.ts'
import type { CodeGrant, RefreshGrant, TokenRequest } from './token-request.ts'
import type { IssuedTokens } from './token-response.ts'

/** What the token endpoint of one resource works with. */
export interface BrokerTokenParts extends BrokerContext {
  readonly resource: BrokerResource
  readonly singleUse: SingleUse
  /** The access token as clients get it. */
  handOut(obtained: ExchangedTokens): Promise<string>
}

/** The one scope that clients know; what the identity provider is asked for is ours to say. */
export const BROKER_SCOPE = ['mcp']

/**
 * The token endpoint of mode broker (RFC 6749 §4.1.3, §6). A code is redeemed at the identity
 * provider now, and every refresh goes there too, so that a disabled account ends.
 *
 * @throws ErrorAnswer every refusal; nothing is spent by a 401 or a 503
 */
export async function redeemAtBroker(
  request: TokenRequest,
  parts: BrokerTokenParts,
): Promise<IssuedTokens> {
  const { resource, config } = parts
  resourceIndicators(config, [resource.resource]).meantBy(
    request.resource,
    request.severalResources,
  )
  return request.grant.type === 'authorization_code'
    ? redeemCode(request.grant, request.client, parts)
    : refresh(request.grant, request.client, parts)
}

async function redeemCode(
  grant: CodeGrant,
  presented: PresentedClient,
  parts: BrokerTokenParts,
): Promise<IssuedTokens> {
  const { clock, keys, resource, singleUse } = parts
  if (presented.ids.length === 0) throw invalidRequest('The parameter client_id is missing.')
  const client = await authenticateClient(presented, resource)
  const code = await openCode(grant, keys.for('authorization code'), {
    client: client.id,
    resource: resource.resource.name,
    now: clock.now(),
  })
  const { id, family } = code
  checkAgreed(code, parts.config.sign_in)
  const familyUntil = clock.now() + parts.config.sign_in.session_lifetime
  const until = endOfCode(code)
  const redeemable = { kind: 'code', id, family, until, familyUntil } as const
  return singleUse.once(redeemable, async () => {
    const { codeVerifier, nonce } = providerProof(code.secret)
    const obtained = await parts.source.obtain({
      grant: 'authorization_code',
      key: id,
      candidates: [resource],
      ask: () =>
        parts.provider.grants.redeemCode({
          code: code.provider,
          redirectUri: callbackUrl(parts.config),
          codeVerifier,
          scope: resource.resource.request_scopes,
        }),
    })
    checkNonce(obtained, nonce, resource)
    const of = {
      client: client.id,
      bound: { resource: resource.resource.name },
      person: obtained.judged.principal.userKey,
      began: clock.now(),
    }
    const session = beginSession(of, parts.config.sign_in)
    return issue({ ...session, family }, obtained, parts)
  })
}

async function refresh(
  grant: RefreshGrant,
  presented: PresentedClient,
  parts: BrokerTokenParts,
): Promise<IssuedTokens> {
  const { clock, keys, config, resource, singleUse } = parts
  const session = await openSession(grant.refreshToken, keys.for('refresh token'))
  const { id, family } = session
  await checkOwner(session, presented, resource)
  checkSession(session, config.sign_in, clock.now())
  checkAgreed(session, config.sign_in)
  const until = endOf(session, config.sign_in)
  const token = { kind: 'refresh_token', id, family, until, familyUntil: until } as const
  return singleUse.once(token, () => renew(session, parts))
}

async function renew(session: Session, parts: BrokerTokenParts): Promise<IssuedTokens> {
  const { resource } = parts
  const refreshToken = providerTokenOf(session)
  const obtained = await parts.source.obtain({
    grant: 'refresh_token',
    key: session.id,
    candidates: [resource],
    ask: () =>
      parts.provider.grants.refresh({ refreshToken, scope: resource.resource.request_scopes }),
  })
  checkPerson(session, obtained)
  return issue(session, obtained, parts)
}

async function issue(
  session: Session,
  obtained: ExchangedTokens,
  parts: BrokerTokenParts,
): Promise<IssuedTokens> {
  return issueTokens(session, obtained, {
    keys: parts.keys.for('refresh token'),
    now: parts.clock.now(),
    scope: BROKER_SCOPE,
    accessToken: await parts.handOut(obtained),
  })
}
