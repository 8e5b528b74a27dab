import type { Clock } from '../../clock.ts'
import type { Config, ProtectedResource, RelayConfig } from '../../config/config.ts'
import { protectedResources } from '../../config/protected-resources.ts'
import type { ProviderGrants } from '../../issuer/token-endpoint/provider-grants.ts'
import { invalidClient, invalidGrant, invalidRequest, invalidTarget } from '../../oauth/errors.ts'
import { printableAddress } from '../../oauth/printable.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { sha256 } from '../../sealing/digest.ts'
import { type PresentedClient, secretFits } from '../clients/client-credentials.ts'
import { type RedirectUriRule, redirectUriRule } from '../clients/redirect-uris.ts'
import type { ExchangedTokens, TokenExchange } from '../provider/exchange.ts'
import { type ResourceIndicators, resourceIndicators } from '../resource-indicator.ts'
import type { FormatAccessToken } from '../sealed/access-token-format.ts'
import { beginSession, type SignInSession } from '../sealed/refresh-token.ts'
import type { SessionIndex } from '../sessions/session-index.ts'
import type { SessionNames } from '../sessions/session-names.ts'
import type { WantedClaims } from '../sessions/wanted-claims.ts'
import type { SignInTrail } from '../sign-in-trail.ts'
import type { SingleUse } from '../single-use/single-use.ts'
import { issueTokens } from './issue.ts'
import type { SignInResource } from './judge-tokens.ts'
import { type RefreshRules, refresh } from './refresh.ts'
import { checkAudience } from './session-checks.ts'
import type { CodeGrant, TokenRequest } from './token-request.ts'
import type { IssuedTokens } from './token-response.ts'

/** What the relay works with. */
export interface RelayParts {
  readonly config: Pick<
    Config,
    'public_url' | 'internal_hosts' | 'identity_provider' | 'resources'
  > & { readonly sign_in: RelayConfig }
  readonly resources: readonly SignInResource[]
  readonly grants: ProviderGrants
  readonly exchange: TokenExchange
  readonly keys: KeyRing
  readonly sessionNames: SessionNames
  readonly sessionIndex: SessionIndex
  readonly wantedClaims: WantedClaims
  readonly formatAccessToken: FormatAccessToken
  readonly singleUse: SingleUse
  readonly clock: Clock
}

/**
 * The token endpoint of mode relay: completes the code and refresh grants of clients whose browser went
 * to the identity provider itself. It lends the app's credential, so that only the one client id,
 * configured redirect URIs and a PKCE verifier get that far (confused deputy); `resource` is used here
 * and never sent.
 *
 * Not checked here: that code and verifier belong together, and that the code was made for this
 * client and redirect URI. The identity provider does that.
 *
 * @returns redeems a code or a refresh token of our one client; throws ErrorAnswer for every refusal,
 *   and nothing is spent by a 401 or a 503
 */
export function createRelayTokenEndpoint(
  parts: RelayParts,
): (request: TokenRequest, trail: SignInTrail) => Promise<IssuedTokens> {
  const { config } = parts
  const context: Context = {
    ...parts,
    allows: redirectUriRule(config.sign_in.redirect_uris, config.public_url),
    indicators: resourceIndicators(config, protectedResources(config)),
  }
  return async (request, trail) => {
    authenticateClient(request.client, context)
    trail.client = { id: config.identity_provider.client_id ?? '' }
    const meant = resourcesMeant(request, context)
    return request.grant.type === 'authorization_code'
      ? redeemCode(request.grant, { ...request, meant }, context)
      : refresh(
          request.grant,
          { ...refreshRules(meant, context), trail, claims: request.claims },
          {
            ...context,
            signIn: config.sign_in,
          },
        )
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
  { resources: values }: TokenRequest,
  { indicators, resources }: Context,
): Candidates {
  const names = indicators.meantBy(values)
  return resources.filter(({ resource }) => names.includes(resource.name))
}

async function redeemCode(
  grant: CodeGrant,
  asked: Pick<TokenRequest, 'client' | 'claims'> & { readonly meant: Candidates },
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
  const { claims } = asked
  const redemption = { code, redirectUri, codeVerifier, claims, ...(scope && { scope }) }
  const exchanged = await context.exchange.obtain({
    grant: 'authorization_code',
    key: digest([code, redirectUri, codeVerifier]),
    candidates: asked.meant,
    // The nonce is the client's, who sent the browser to the provider itself.
    idToken: { required: false },
    ask: () => context.grants.redeemCode(redemption),
  })
  const { principal, resource } = exchanged.judged
  const of = {
    client: context.config.identity_provider.client_id ?? '',
    bound: { audiences: [...resource.audiences] },
    user: principal.userKey,
    userName: principal.identity.user,
    began: context.clock.now(),
  }
  const session = beginSession(of, context.config.sign_in)
  context.sessionIndex.add(session)
  return issue(session, { exchanged, meant: asked.meant }, context)
}

/** What a session is bound to here is the audience: all resources share one token endpoint. */
function refreshRules(meant: Candidates, context: Context): Omit<RefreshRules, 'trail' | 'claims'> {
  const { config } = context
  return {
    checkOwner({ client }) {
      if (client === config.identity_provider.client_id) return
      throw invalidGrant(
        'This refresh token was made for another client; sign in again.',
        'another_client',
      )
    },
    resourcesFor(session) {
      const bound = context.resources.filter(({ resource }) => isBoundTo(session, resource))
      if (bound.length === 0) {
        throw invalidGrant(
          'No resource here takes tokens for the audience of this session any more; sign in again.',
          'audience_gone',
        )
      }
      const candidates = bound.filter((resource) => meant.includes(resource))
      if (candidates.length > 0) return candidates
      const expected = bound.map(({ resource }) => config.public_url + resource.path).join(' or ')
      throw invalidTarget(
        `This refresh token is for another audience than the resource asked for; expected ${expected}.`,
      )
    },
    checkTokens: checkAudience,
    issue: (session, exchanged, resources) =>
      issue(session, { exchanged, meant: resources }, context),
  }
}

function isBoundTo({ bound }: SignInSession, resource: ProtectedResource): boolean {
  if (!('audiences' in bound)) return false
  if (bound.audiences.length === 0) return resource.audiences.length === 0
  return resource.audiences.some((audience) => bound.audiences.includes(audience))
}

/** A client of several resources has one token for them all, and each judges it for itself. */
async function issue(
  session: SignInSession,
  { exchanged, meant }: { readonly exchanged: ExchangedTokens; readonly meant: Candidates },
  context: Context,
): Promise<IssuedTokens> {
  const { resource, bearer } = exchanged.judged
  return issueTokens(session, exchanged, {
    keys: context.keys,
    now: context.clock.now(),
    scope: resource.request_scopes,
    accessToken: await context.formatAccessToken(
      bearer,
      meant.map((one) => one.resource),
      { ...session, groups: exchanged.groups?.resolved },
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
