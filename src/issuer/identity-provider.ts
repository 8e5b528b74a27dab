import type { Clock } from '../clock.ts'
import type { IdentityProviderConfig, ProviderCredential } from '../config/config.ts'
import { type BoundedFetch, checkedUrl, createBoundedFetch } from '../net/bounded-fetch.ts'
import { DocumentError } from '../net/document-error.ts'
import { type Discovered, discover } from './discovery.ts'
import { entraProfile } from './entra.ts'
import {
  type IdTokenRules,
  type IdTokenVerdict,
  type ReceivedIdToken,
  verifyIdToken,
} from './id-token.ts'
import type { IssuerEvent } from './issuer-event.ts'
import type { IssuerProfile } from './issuer-profile.ts'
import { type KeySet, type KeySetRules, readKeySet } from './key-set.ts'
import { oidcProfile } from './oidc.ts'
import { type FetchAttempt, RefreshingDocument } from './refreshing-document.ts'
import { limitConcurrency } from './token-endpoint/concurrency-limit.ts'
import type { ProviderGrants } from './token-endpoint/provider-grants.ts'
import { createTokenEndpoint, type TokenEndpointOptions } from './token-endpoint/token-endpoint.ts'
import { type CachingVerifier, createTokenVerifier } from './token-verifier.ts'

export interface IdentityProvider {
  readonly profile: IssuerProfile
  readonly verifier: CachingVerifier
  /** The token endpoint, with our credential and limits; absent without a `client_id`. */
  readonly grants: ProviderGrants | undefined
  /** Verifies an ID token that the token endpoint gave; absent without a `client_id`. Never rejects. */
  readonly verifyIdToken: ((received: ReceivedIdToken) => Promise<IdTokenVerdict>) | undefined
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
  /** The address of the key set; absent until discovery. */
  keySetUrl(): string | undefined
  /** Grants use this credential from now on; keys, discovery and known tokens stay. */
  renewCredential(credential: ProviderCredential): void
  /** For readiness, metrics and `doctor`. */
  status(): IdentityProviderStatus
}

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
  readonly keyCount: number
  /** The signing algorithms that at least one key fits. */
  readonly algorithms: readonly string[]
}

export interface IdentityProviderOptions {
  readonly clock: Clock
  /** In place of the bounded one; for tests. */
  readonly fetch?: BoundedFetch
  /** Whether the mock identity provider's keys may be used. */
  readonly publicUrlIsLoopback: boolean
  readonly onEvent?: (event: IssuerEvent) => void
}

const HOUR_MS = 3_600_000
/**
 * Milliseconds for an answer of the token endpoint. More than for a document, since a code or a
 * rotated refresh token whose answer is lost is lost too; with the credential's files below 10 s.
 */
const GRANT_TIMEOUT_MS = 7_500
/** Whatever `stale_for` says, background fetches are never closer than this, in milliseconds. */
const SHORTEST_REFRESH_MS = 10_000

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
  const profile = config.kind === 'entra' ? entraProfile(config) : oidcProfile(config)
  const connection = connect(config, options)
  const { discovery, keySet } = documentsOf(
    { config, profile, fetch: connection.documents },
    options,
  )
  let { credential } = config
  const verifier = createTokenVerifier({
    clock,
    keySet,
    algorithms: config.signing_algorithms,
    backdating: profile.backdating,
  })

  return {
    profile,
    verifier,
    verifyIdToken: idTokenVerification(config.client_id, {
      verifier,
      issuer: () => discovery.current()?.value.issuer,
      algorithms: config.signing_algorithms,
      clock,
    }),
    grants: grantsOf(config.client_id, {
      clock,
      namesScope: profile.namesScope,
      fetch: connection.grants,
      credential: () => credential,
      metadata: () => discovery.current()?.value.metadata,
      discoveryIn: () => discovery.nextTryIn(),
    }),
    start: () => discovery.start(),
    stop() {
      discovery.stop()
      keySet.stop()
      connection.close()
    },
    tokenIssuers: () => profile.tokenIssuers(discovery.current()?.value.issuer),
    metadataIssuer: () => discovery.current()?.value.issuer ?? profile.configuredIssuer,
    authorizationEndpoint: () => authorizationEndpointOf(discovery.current()?.value),
    answersNameIssuer: () =>
      discovery.current()?.value.metadata.authorization_response_iss_parameter_supported === true,
    keySetUrl: () => discovery.current()?.value.keySetUrl,
    renewCredential(renewed) {
      credential = renewed
    },
    status: () => statusOf(discovery, keySet),
  }
}

interface DocumentSource {
  readonly config: IdentityProviderConfig
  readonly profile: IssuerProfile
  readonly fetch: BoundedFetch
}

interface ProviderDocuments {
  readonly discovery: RefreshingDocument<Discovered>
  /** Begins once there is a discovery document. */
  readonly keySet: RefreshingDocument<KeySet>
}

function documentsOf(
  { config, profile, fetch }: DocumentSource,
  { clock, onEvent = () => undefined, publicUrlIsLoopback }: IdentityProviderOptions,
): ProviderDocuments {
  const algorithms = config.signing_algorithms
  const rules = { profile, algorithms, acceptsMock: publicUrlIsLoopback }
  const kept = {
    clock,
    staleFor: config.stale_for,
    // Twice within stale_for at least, or a healthy provider's documents would run out.
    refreshEvery: Math.max(SHORTEST_REFRESH_MS, Math.min(HOUR_MS, config.stale_for / 2)),
  }
  const discovery = new RefreshingDocument<Discovered>({
    ...kept,
    load: () => discover(profile, fetch),
    onAttempt(attempt) {
      onEvent(fetchEvent('discovery', attempt))
      if (!attempt.kept) return
      keySet.start()
      keySet.retryNow()
    },
  })
  const keySet = new RefreshingDocument<KeySet>({
    ...kept,
    load: () => loadKeySet(fetch, discovery.current()?.value, rules),
    onAttempt(attempt) {
      onEvent(fetchEvent('keys', attempt))
      const changed = keysChanged(attempt)
      if (changed) onEvent(changed)
    },
  })
  return { discovery, keySet }
}

function grantsOf(
  clientId: string | undefined,
  options: Omit<TokenEndpointOptions, 'clientId'>,
): ProviderGrants | undefined {
  if (clientId === undefined) return undefined
  return limitConcurrency(createTokenEndpoint({ ...options, clientId }))
}

function idTokenVerification(
  clientId: string | undefined,
  { clock, ...rules }: Omit<IdTokenRules, 'clientId'> & { readonly clock: Clock },
): IdentityProvider['verifyIdToken'] {
  if (clientId === undefined) return undefined
  return (received) => verifyIdToken(received, { ...rules, clientId }, () => clock.now())
}

type LoadRules = Omit<KeySetRules, 'acceptsKey'> & { readonly profile: IssuerProfile }

async function loadKeySet(
  fetch: BoundedFetch,
  discovered: Discovered | undefined,
  rules: LoadRules,
): Promise<KeySet> {
  if (!discovered) throw new DocumentError('no_discovery', 'the discovery document is too old')
  const { keySetUrl: url, metadata } = discovered
  const headers = { accept: 'application/json, application/jwk-set+json' }
  const init = { method: 'GET', headers, body: undefined, redirect: 'manual' } as const
  const response = await fetch(url, init)
  if (response.status !== 200) {
    throw new DocumentError('status', `${url}: answered ${response.status}`)
  }
  const document = await response.json().catch(() => {
    throw new DocumentError('not_json', `${url}: is not JSON`)
  })
  const acceptsKey: KeySetRules['acceptsKey'] = (key) => rules.profile.acceptsKey(key, metadata)
  return readKeySet(document, { ...rules, acceptsKey })
}

interface Connection {
  readonly documents: BoundedFetch
  readonly grants: BoundedFetch
  close(): void
}

function connect(
  { certificate_authority: certificateAuthority }: IdentityProviderConfig,
  { clock, fetch }: IdentityProviderOptions,
): Connection {
  if (fetch) return { documents: fetch, grants: fetch, close: () => undefined }
  const common = { clock, ...(certificateAuthority !== undefined && { certificateAuthority }) }
  const documents = createBoundedFetch(common)
  const grants = createBoundedFetch({ ...common, timeout: GRANT_TIMEOUT_MS })
  return {
    documents: documents.fetch,
    grants: grants.fetch,
    close() {
      documents.close()
      grants.close()
    },
  }
}

function authorizationEndpointOf(discovered: Discovered | undefined): string | undefined {
  const endpoint = discovered?.metadata.authorization_endpoint
  if (endpoint === undefined) return undefined
  try {
    checkedUrl(endpoint)
    return endpoint
  } catch {
    return undefined
  }
}

function fetchEvent(document: 'discovery' | 'keys', attempt: FetchAttempt<unknown>): IssuerEvent {
  const { duration, error } = attempt
  if (!error) return { kind: 'fetched', document, duration }
  const { reason, message } = error
  return { kind: 'fetch_failed', document, duration, reason, message }
}

function keysChanged({ kept, previous }: FetchAttempt<KeySet>): IssuerEvent | undefined {
  if (!kept) return undefined
  const now = kept.value.ids
  const before = previous?.value.ids ?? new Set<string>()
  const added = [...now].filter((id) => !before.has(id))
  const removed = [...before].filter((id) => !now.has(id))
  if (added.length === 0 && removed.length === 0) return undefined
  return { kind: 'keys_changed', added, removed, count: now.size }
}

function statusOf(
  discovery: RefreshingDocument<Discovered>,
  keySet: RefreshingDocument<KeySet>,
): IdentityProviderStatus {
  const keys = keySet.last()
  const discovered = discovery.last()
  const error = discovery.lastError() ?? keySet.lastError()
  return {
    ready: keys !== undefined,
    decides: keySet.current() !== undefined,
    keyCount: keys?.value.ids.size ?? 0,
    algorithms: [...new Set(keys?.value.keys.flatMap((key) => key.algorithms) ?? [])],
    ...(error ? { reason: error.message } : {}),
    ...(keys ? { keysFetchedAt: keys.fetchedAt } : {}),
    ...(discovered ? { discoveryFetchedAt: discovered.fetchedAt } : {}),
  }
}
