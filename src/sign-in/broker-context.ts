import type { Clock } from '../clock.ts'
import type { BrokerConfig, Config } from '../config/config.ts'
import type { ProviderGrants } from '../issuer/token-endpoint/provider-grants.ts'
import { ownEndpoints } from '../oauth/metadata/own-endpoints.ts'
import type { DerivedKeys } from '../sealing/derived-keys.ts'
import type { Clients } from './clients/client.ts'
import { popupUrl } from './clients/popup-client.ts'
import type { TokenExchange } from './provider/exchange.ts'
import type { WantedClaims } from './sessions/wanted-claims.ts'
import type { SignInResource } from './token/judge-tokens.ts'

/** What broker mode works with, whichever resource is signed in for. */
export interface BrokerContext {
  readonly config: Pick<Config, 'public_url' | 'internal_hosts' | 'identity_provider'> & {
    readonly sign_in: BrokerConfig
  }
  readonly resources: readonly SignInResource[]
  readonly provider: BrokerProvider
  readonly exchange: TokenExchange
  readonly keys: DerivedKeys
  readonly wantedClaims: WantedClaims
  readonly clock: Clock
}

/** The identity provider, as broker mode needs it. */
export interface BrokerProvider {
  readonly grants: ProviderGrants
  /** As discovered, else as configured; `iss` of its answers must be this. */
  metadataIssuer(): string
  /** Whether an answer without `iss` is none of its answers (RFC 9207 §2.4). */
  answersNameIssuer(): boolean
  /** Absent until discovery. */
  authorizationEndpoint(): string | undefined
  /** Whether it takes claims requests (OpenID Connect Core §5.5). */
  takesClaims(): boolean
}

/** One resource that is signed in for, with the authorization server that we are for it. */
export interface BrokerResource extends SignInResource {
  readonly issuer: string
  readonly authorizeUrl: string
  readonly tokenUrl: string
  readonly revokeUrl: string
  /** What users type into their clients. */
  readonly url: string
  readonly clients: Clients
}

/**
 * The resources, the first with our origin as its issuer.
 *
 * @param clientsOf makes the clients of an issuer: a registration counts where it was made
 */
export function brokerResources(
  { public_url: publicUrl }: Pick<Config, 'public_url'>,
  resources: readonly SignInResource[],
  clientsOf: (issuer: string) => Clients,
): readonly BrokerResource[] {
  return resources.map((served, index) => {
    const { name, path } = served.resource
    const own = ownEndpoints({ publicUrl, name, isFirst: index === 0 })
    return {
      ...served,
      issuer: own.issuer,
      authorizeUrl: own.authorize,
      tokenUrl: own.token,
      revokeUrl: own.revoke,
      url: publicUrl + path,
      clients: clientsOf(own.issuer),
    }
  })
}

/** The one address that the identity provider sends browsers back to. */
export function callbackUrl({ public_url: publicUrl }: Pick<Config, 'public_url'>): string {
  return `${publicUrl}/oauth/callback`
}

/**
 * The `iss` of an answer (RFC 9207): as `issuer_parameter` says, and to our own popup always, which
 * checks it.
 */
export function issuerShown(
  redirectUri: string,
  { issuer }: Pick<BrokerResource, 'issuer'>,
  { public_url: publicUrl, sign_in: signIn }: BrokerContext['config'],
): string | undefined {
  const toPopup = redirectUri.startsWith(`${popupUrl(publicUrl)}?`)
  return signIn.issuer_parameter || toPopup ? issuer : undefined
}
