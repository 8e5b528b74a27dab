import type { IdentityProviderConfig, ProtectedResource } from '../config/config.ts'
import type { IdentityProvider } from '../issuer/identity-provider.ts'

/** Everything that one resource demands of a token and of the user who shows it. */
export interface ResourcePolicy {
  /** The resource's name. */
  readonly resource: string
  readonly kind: 'entra' | 'oidc'
  /** Issuers whose tokens are taken, as far as they are known by now. */
  readonly issuers: () => readonly string[]
  /** Whether discovery may still name a further one, so that an unknown issuer decides nothing. */
  readonly moreIssuersToCome: () => boolean
  /** Entra: the only tenant. */
  readonly tenant?: string
  readonly audiences: readonly string[] | 'any'
  readonly algorithms: readonly string[]
  readonly clients: readonly string[] | 'any'
  /** Claims that name the client of a token; all that a token has must agree. */
  readonly clientClaims: readonly string[]
  /** An id as it is compared: Entra's GUIDs count without regard to case. */
  readonly comparable: (id: string) => string
  readonly scopes: readonly string[]
  /** What a client should ask the identity provider for; only for the words of a refusal. */
  readonly requestScopes: readonly string[]
  /** One of them; empty: nobody is asked for a group. */
  readonly groups: readonly string[]
  /** Every group that something here depends on: `required_groups` and tool rules. */
  readonly namedGroups: readonly string[]
  /** Absent: tokens tell of no groups. */
  readonly groupsClaim?: string
  /** Whether groups that a token leaves out are asked of Microsoft Graph at sign-in. */
  readonly resolvesGroups: boolean
  /** Claims that name a user: the first that a token has counts. */
  readonly userClaims: readonly string[]
  readonly allowAppTokens: boolean
  readonly tokenKind: 'access_token' | 'id_token'
  /** The client id of the identity provider's configuration. */
  readonly clientId?: string
  /** As whom the upstream acts: as the caller, or as itself without any credential of the caller. */
  readonly actsAs: 'caller' | 'upstream'
}

/**
 * What one resource demands, made once from its configuration.
 *
 * @param provider asked for its issuers on every request, as discovery can name one later;
 *   `token_issuers` replaces them
 */
export function resourcePolicy(
  resource: ProtectedResource,
  config: IdentityProviderConfig,
  provider: Pick<IdentityProvider, 'profile' | 'tokenIssuers'>,
): ResourcePolicy {
  const { profile } = provider
  const { comparable } = profile
  return {
    resource: resource.name,
    kind: profile.kind,
    ...issuersOf(resource, provider),
    ...(profile.tenant !== undefined && { tenant: profile.tenant }),
    audiences: resource.unsafe_any_audience ? 'any' : resource.audiences.map(comparable),
    algorithms: config.signing_algorithms,
    clients: resource.allowed_clients === 'any' ? 'any' : resource.allowed_clients.map(comparable),
    clientClaims: profile.clientClaims,
    comparable,
    scopes: resource.required_scopes,
    requestScopes: resource.request_scopes,
    groups: resource.required_groups.map(comparable),
    namedGroups: [
      ...resource.required_groups,
      ...resource.allow.flatMap(({ groups }) => groups),
    ].map(comparable),
    ...(config.groups_claim !== undefined && { groupsClaim: config.groups_claim }),
    resolvesGroups: config.kind === 'entra' && config.resolve_groups,
    userClaims: profile.userClaims,
    allowAppTokens: resource.allow_app_tokens,
    tokenKind: resource.token_kind,
    ...(config.client_id !== undefined && { clientId: comparable(config.client_id) }),
    actsAs: resource.upstream_identity === 'own' ? 'upstream' : 'caller',
  }
}

function issuersOf(
  { token_issuers: replaced }: ProtectedResource,
  provider: Pick<IdentityProvider, 'profile' | 'tokenIssuers'>,
): Pick<ResourcePolicy, 'issuers' | 'moreIssuersToCome'> {
  if (replaced) return { issuers: () => replaced, moreIssuersToCome: () => false }
  const complete = provider.profile.tokenIssuers(provider.profile.configuredIssuer).length
  return {
    issuers: () => provider.tokenIssuers(),
    moreIssuersToCome: () => provider.tokenIssuers().length < complete,
  }
}
