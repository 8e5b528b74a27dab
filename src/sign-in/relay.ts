import type { Clock } from '../clock.ts'
import type { Config, RelayConfig, ResourceConfig } from '../config/config.ts'
import type { ProviderGrants } from '../issuer/token-endpoint/provider-grants.ts'
import { invalidClient, invalidGrant, invalidRequest, invalidTarget } from '../oauth/errors.ts'
import { printableAddress } from '../oauth/printable.ts'
import type { KeyRing } from '../sealing/derived-keys.ts'
import { sha256 } from '../sealing/digest.ts'
import { type PresentedClient, secretFits } from './clients/client-credentials.ts'
import { type RedirectUriRule, redirectUriRule } from './clients/redirect-uris.ts'
import type { ExchangedTokens, TokenExchange } from './provider/exchange.ts'
import { type ResourceIndicators, resourceIndicators } from './resource-indicator.ts'
import type { HandOut } from './sealed/access-token-format.ts'
import {
  beginSession,
  checkAudience,
  checkPerson,
  checkSession,
  endOf,
  issueTokens,
  openSession,
  providerTokenOf,
  type Session,
} from './sealed/refresh-token.ts'
import type { SingleUse } from './single-use/single-use.ts'
import type { SignInResource } from './token/judge-tokens.ts'
import type { CodeGrant, RefreshGrant, TokenRequest } from './token/token-request.ts'
import type { IssuedTokens } from './token/token-response.ts'

/** What the relay works with. */
export interface RelayParts {
  readonly config: Pick<
    Config,
    'public_url' | 'internal_hosts' | 'identity_provider' | 'resources'
  > & { readonly sign_in: RelayConfig }
  readonly resources: readonly SignInResource[]
  readonly grants: ProviderGrants
  readonly source: TokenExchange
  readonly keys: KeyRing
  readonly handOut: HandOut
  readonly singleUse: SingleUse
  readonly clock: Clock
}

/** Completes the code and refresh grants of clients whose browser went to the provider itself. */
export interface Relay {
  /**
   * Redeems a code or a refresh token of our one client, with our credential.
   *
   * @throws ErrorAnswer every refusal; nothing is spent by a 401 or a 503
   */
  redeem(request: TokenRequest): Promise<IssuedTokens>
}

/**
 * The token endpoint of mode relay. It lends the app's credential, so that only the one client id,
 * configured redirect URIs and a PKCE verifier get that far; `resource` is used here and never sent.
 *
 * Not checked here: that code and verifier belong together, and that the code was made for this
 * client and redirect URI. The identity provider does that.
 */
export function createRelay(parts: RelayParts): Relay {
  const { config } = parts
  const context: Context = {
    ...parts,
    allows: redirectUriRule(config.sign_in.redirect_uris, config.public_url),
    indicators: resourceIndicators(config, config.resources),
  }
  return {
    async redeem(request) {
      authenticateClient(request.client, context)
      const meant = resourcesMeant(request, context)
      return request.grant.type === 'authorization_code'
        ? redeemCode(request.grant, { client: request.client, meant }, context)
        : refresh(request.grant, meant, context)
    },
  }
}

interface Context extends RelayParts {
  readonly allows: RedirectUriRule
  readonly indicators: ResourceIndicators
}

type Candidates = readonly SignInResource[]

function authenticateClient(client: PresentedClient, { config }: Context): void {
  const { client_id: own, credential } = config.identity_provider
  if (client.ids.length > 0 && !client.ids.includes(own ?? '')) {
    throw invalidClient(
      'This client_id is not served here; use the client_id of the app registration that rolecall has in identity_provider.client_id.',
      client.byHeader,
    )
  }
  const secret = credential.kind === 'secret' ? credential.secret : undefined
  if (secretFits(client, secret) === 'wrong') {
    throw invalidClient(
      "The client secret is not the app registration's; send none at all, since rolecall adds it.",
      client.byHeader,
    )
  }
}

function resourcesMeant(
  { resource: value, severalResources }: TokenRequest,
  { indicators, resources }: Context,
): Candidates {
  const names = indicators.meantBy(value, severalResources)
  return resources.filter(({ resource }) => names.includes(resource.name))
}

async function redeemCode(
  grant: CodeGrant,
  asked: { readonly client: PresentedClient; readonly meant: Candidates },
  context: Context,
): Promise<IssuedTokens> {
  const { redirectUri, code, codeVerifier } = grant
  if (asked.client.ids.length === 0) throw invalidRequest('The parameter client_id is missing.')
  if (redirectUri === undefined) throw invalidRequest('The parameter redirect_uri is missing.')
  if (!context.allows(redirectUri)) {
    throw invalidGrant(
      `The redirect_uri ${printableAddress(redirectUri)} is not one that sign_in.redirect_uris allows.`,
      'redirect_uri_not_allowed',
    )
  }
  const scope = commonScope(asked.meant)
  const redemption = { code, redirectUri, codeVerifier, ...(scope && { scope }) }
  const obtained = await context.source.obtain({
    grant: 'authorization_code',
    key: digest([code, redirectUri, codeVerifier]),
    candidates: asked.meant,
    ask: () => context.grants.redeemCode(redemption),
  })
  const { principal, resource } = obtained.judged
  const of = {
    client: context.config.identity_provider.client_id ?? '',
    bound: { audiences: [...resource.audiences] },
    person: principal.userKey,
    began: context.clock.now(),
  }
  const session = beginSession(of, context.config.sign_in)
  return issue(session, { obtained, meant: asked.meant }, context)
}

async function refresh(
  grant: RefreshGrant,
  meant: Candidates,
  context: Context,
): Promise<IssuedTokens> {
  const { config, clock } = context
  const session = await openSession(grant.refreshToken, context.keys)
  if (session.client !== config.identity_provider.client_id) {
    throw invalidGrant(
      'This refresh token was made for another client; sign in again.',
      'another_client',
    )
  }
  checkSession(session, config.sign_in, clock.now())
  const bound = context.resources.filter(({ resource }) => isBoundTo(session, resource))
  if (bound.length === 0) {
    throw invalidGrant(
      'No resource here takes tokens for the audience of this session any more; sign in again.',
      'audience_gone',
    )
  }
  const candidates = bound.filter((resource) => meant.includes(resource))
  if (candidates.length === 0) {
    const expected = bound.map(({ resource }) => config.public_url + resource.path).join(' or ')
    throw invalidTarget(
      `This refresh token is for another audience than the resource asked for; expected ${expected}.`,
    )
  }
  const { id, family } = session
  const until = endOf(session, config.sign_in)
  const token = { kind: 'refresh_token', id, family, until, familyUntil: until } as const
  return context.singleUse.once(token, () => renew(session, candidates, context))
}

function isBoundTo({ bound }: Session, resource: ResourceConfig): boolean {
  if (!('audiences' in bound)) return false
  if (bound.audiences.length === 0) return resource.audiences.length === 0
  return resource.audiences.some((audience) => bound.audiences.includes(audience))
}

async function renew(
  session: Session,
  candidates: Candidates,
  context: Context,
): Promise<IssuedTokens> {
  const refreshToken = providerTokenOf(session)
  const scope = candidates[0]?.resource.request_scopes ?? []
  const obtained = await context.source.obtain({
    grant: 'refresh_token',
    key: session.id,
    candidates,
    ask: () => context.grants.refresh({ refreshToken, scope }),
  })
  checkPerson(session, obtained)
  checkAudience(session, obtained)
  return issue(session, { obtained, meant: candidates }, context)
}

/** A client of several resources has one token for them all, and each judges it for itself. */
async function issue(
  session: Session,
  { obtained, meant }: { readonly obtained: ExchangedTokens; readonly meant: Candidates },
  context: Context,
): Promise<IssuedTokens> {
  const { resource, bearer } = obtained.judged
  return issueTokens(session, obtained, {
    keys: context.keys,
    now: context.clock.now(),
    scope: resource.request_scopes,
    accessToken: await context.handOut(
      bearer,
      meant.map((one) => one.resource),
    ),
  })
}

/** What all of them ask for; none, so that what the sign-in asked for counts, where they differ. */
function commonScope(candidates: Candidates): readonly string[] | undefined {
  const [first, ...others] = candidates.map(({ resource }) => resource.request_scopes)
  const same = others.every((scopes) => scopes.join(' ') === first?.join(' '))
  return same ? first : undefined
}

function digest(parts: readonly string[]): string {
  return sha256(JSON.stringify(parts))
}
