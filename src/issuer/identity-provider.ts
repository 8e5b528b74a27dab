import type { Clock } from '../clock.ts'
import type { IdentityProviderConfig, ProviderCredential } from '../config/config.ts'
import { type BoundedFetch, checkedUrl, type PlainHttp } from '../net/bounded-fetch.ts'
import { text, texts } from '../oauth/claims.ts'
import type { Discovered } from './documents/discovery.ts'
import {
  type DocumentOptions,
  type ProviderDocuments,
  providerDocuments,
} from './documents/provider-documents.ts'
import {
  createMemberGroups,
  type MemberGroups,
  type MemberGroupsOptions,
} from './graph/member-groups.ts'
import { graphOf } from './graph/microsoft-graph.ts'
import {
  type IdTokenRules,
  type IdTokenVerdict,
  type ReceivedIdToken,
  verifyIdToken,
} from './id-token.ts'
import type { IssuerProfile } from './issuer-profile.ts'
import { keysFitting } from './key-set.ts'
import { profileOf } from './profiles.ts'
import { connectToProvider } from './provider-connection.ts'
import { ALGORITHMS } from './signature.ts'
import { limitConcurrency } from './token-endpoint/concurrency-limit.ts'
import type { ProviderGrants } from './token-endpoint/provider-grants.ts'
import { createTokenEndpoint, type TokenEndpointOptions } from './token-endpoint/token-endpoint.ts'
import { type CachingVerifier, createTokenVerifier } from './token-verifier.ts'

/** One identity provider: its keys and addresses as they are now, and its token endpoint. */
export interface IdentityProvider {
  readonly profile: IssuerProfile
  readonly verifier: CachingVerifier
  /** The token endpoint, with our credential and limits; absent without a `client_id`. */
  readonly grants: ProviderGrants | undefined
  /** Verifies an ID token that the token endpoint gave; absent without a `client_id`. Never rejects. */
  readonly verifyIdToken: ((received: ReceivedIdToken) => Promise<IdTokenVerdict>) | undefined
  /**
   * Asks Microsoft Graph for the groups of the user of a refresh token; absent where that is not
   * configured. Never rejects.
   */
  readonly memberGroups: ((refreshToken: string) => Promise<MemberGroups>) | undefined
  /** The origin of Microsoft Graph, by configuration and discovery; absent where it is not asked. */
  graphUrl(): string | undefined
  /** Begins fetching in the background; returns at once. */
  start(): void
  /** Ends everything under way, for good. */
  stop(): void
  /** The issuers whose tokens are taken by default, as known now. */
  tokenIssuers(): readonly string[]
  /** The issuer for RFC 9728 `authorization_servers`: as discovered, else as configured. */
  metadataIssuer(): string
  /** Where browsers sign in, as discovered; absent until discovery, or if it is not to be visited. */
  authorizationEndpoint(): string | undefined
  /** Whether every answer to an authorize request names the issuer (RFC 9207 §3), as discovered. */
  answersNameIssuer(): boolean
  /**
   * Whether it takes claims requests (OpenID Connect Core §5.5): Entra does without saying so, others
   * say so in discovery.
   */
  takesClaims(): boolean
  /** The issuer of access tokens, where the document names one of its own (AD FS); for words alone. */
  accessTokenIssuer(): string | undefined
  /** What the provider says it signs ID tokens with; empty until discovery, or where it does not say. */
  offeredAlgorithms(): readonly string[]
  /** The address of the key set; absent until discovery. */
  keySetUrl(): string | undefined
  /** Grants use this credential from now on; keys, discovery and known tokens stay. */
  renewCredential(credential: ProviderCredential): void
  /** For readiness, metrics and `doctor`. */
  status(): IdentityProviderStatus
}

/** How fresh the documents are, and what is wrong with the latest fetch. */
export interface IdentityProviderStatus {
  /** Keys were fetched once. It never goes back to false. */
  readonly ready: boolean
  /** Keys are there and not older than `stale_for`. */
  readonly decides: boolean
  /** Why the latest fetch of either document failed; absent while both are good. */
  readonly reason?: string
  /** When the last good fetch began, in milliseconds since the epoch. */
  readonly keysFetchedAt?: number
  readonly discoveryFetchedAt?: number
  /** Milliseconds from a good fetch of either document to the next. */
  readonly refreshEvery: number
  readonly keyCount: number
  /** The signing algorithms that at least one key fits. */
  readonly algorithms: readonly string[]
}

/** What the provider side is built with, beside its configuration. */
export interface IdentityProviderOptions extends DocumentOptions {
  /** In place of the bounded one; for tests. */
  readonly fetch?: BoundedFetch
}

/**
 * The identity provider: discovery and keys kept fresh in the background, and the verifier over
 * them. Nothing here is looked up from what a token says.
 *
 * @throws Error when `HTTPS_PROXY` is not a URL
 */
export function createIdentityProvider(
  config: IdentityProviderConfig,
  options: IdentityProviderOptions,
): IdentityProvider {
  const { clock } = options
  const profile = profileOf(config)
  const connection = connectToProvider(config, options)
  const documents = providerDocuments({ config, profile, fetch: connection.documents }, options)
  const { discovery, keySet } = documents
  let { credential } = config
  const metadata = () => discovery.current()?.value.metadata
  const offeredAlgorithms = () => texts(metadata() ?? {}, 'id_token_signing_alg_values_supported')
  const verifier = createTokenVerifier({
    clock,
    keySet,
    algorithms: config.signing_algorithms,
    backdating: profile.backdating,
  })

  const takesClaims = () =>
    profile.kind === 'entra' || metadata()?.['claims_parameter_supported'] === true
  const grants = grantsOf(config.client_id, {
    clock,
    namesScope: profile.namesScope,
    takesClaims,
    fetch: connection.grants,
    plainHttp: profile.plainHttp,
    credential: () => credential,
    metadata,
    discoveryIn: () => discovery.nextTryIn(),
  })

  return {
    profile,
    verifier,
    grants,
    takesClaims,
    memberGroups: memberGroupsOf(config, { grants, fetch: connection.documents, metadata }),
    verifyIdToken: idTokenVerification(config.client_id, {
      verifier,
      issuer: () => discovery.current()?.value.issuer,
      algorithms: () => idTokenAlgorithms(config.signing_algorithms, offeredAlgorithms()),
      clock,
    }),
    graphUrl: () =>
      config.kind === 'entra' && config.resolve_groups
        ? graphOf(config, metadata()).url
        : undefined,
    start: () => discovery.start(),
    stop() {
      discovery.stop()
      keySet.stop()
      connection.close()
    },
    tokenIssuers: () => profile.tokenIssuers(discovery.current()?.value.issuer),
    metadataIssuer: () => discovery.current()?.value.issuer ?? profile.configuredIssuer,
    authorizationEndpoint: () =>
      authorizationEndpointOf(discovery.current()?.value, profile.plainHttp),
    answersNameIssuer: () => metadata()?.authorization_response_iss_parameter_supported === true,
    accessTokenIssuer: () => text(metadata() ?? {}, 'access_token_issuer'),
    offeredAlgorithms,
    keySetUrl: () => discovery.current()?.value.keySetUrl,
    renewCredential(renewed) {
      credential = renewed
    },
    status: () => statusOf(documents, config.signing_algorithms),
  }
}

function grantsOf(
  clientId: string | undefined,
  options: Omit<TokenEndpointOptions, 'clientId'>,
): ProviderGrants | undefined {
  if (clientId === undefined) return undefined
  return limitConcurrency(createTokenEndpoint({ ...options, clientId }))
}

function memberGroupsOf(
  config: IdentityProviderConfig,
  {
    grants,
    ...options
  }: Pick<MemberGroupsOptions, 'fetch' | 'metadata'> & {
    readonly grants: ProviderGrants | undefined
  },
): IdentityProvider['memberGroups'] {
  if (config.kind !== 'entra' || !config.resolve_groups || !grants) return undefined
  return createMemberGroups({ ...options, config, grants })
}

/**
 * What ID tokens may be signed with: access tokens and ID tokens of one provider may differ (Keycloak by
 * client). Only algorithms with public keys count, whatever a document offers; RS256 is the default of
 * OpenID Connect Core §2.
 */
function idTokenAlgorithms(
  configured: readonly string[],
  offered: readonly string[],
): readonly string[] {
  const known = offered.filter((one) => ALGORITHMS.includes(one))
  return [...new Set([...configured, ...(known.length > 0 ? known : ['RS256'])])]
}

function idTokenVerification(
  clientId: string | undefined,
  { clock, ...rules }: Omit<IdTokenRules, 'clientId'> & { readonly clock: Clock },
): IdentityProvider['verifyIdToken'] {
  if (clientId === undefined) return undefined
  return (received) => verifyIdToken(received, { ...rules, clientId }, () => clock.now())
}

function authorizationEndpointOf(
  discovered: Discovered | undefined,
  plainHttp: PlainHttp,
): string | undefined {
  const endpoint = discovered?.metadata.authorization_endpoint
  if (endpoint === undefined) return undefined
  try {
    checkedUrl(endpoint, plainHttp)
    return endpoint
  } catch {
    return undefined
  }
}

function statusOf(
  { discovery, keySet, refreshEvery }: ProviderDocuments,
  taken: readonly string[],
): IdentityProviderStatus {
  const keys = keySet.last()
  const usable = taken.flatMap((algorithm) =>
    keys ? keysFitting(keys.value, algorithm, undefined).map(({ id }) => ({ id, algorithm })) : [],
  )
  const discovered = discovery.last()
  const error = discovery.lastError() ?? keySet.lastError()
  return {
    ready: keys !== undefined,
    decides: keySet.current() !== undefined,
    refreshEvery,
    keyCount: new Set(usable.map(({ id }) => id)).size,
    algorithms: [...new Set(usable.map(({ algorithm }) => algorithm))],
    ...(error ? { reason: error.message } : {}),
    ...(keys ? { keysFetchedAt: keys.fetchedAt } : {}),
    ...(discovered ? { discoveryFetchedAt: discovered.fetchedAt } : {}),
  }
}
