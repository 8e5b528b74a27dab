import type { BrokerConfig, Config, ProtectedResource } from '../config/config.ts'
import {
  type AuthorizationServerDescription,
  type AuthorizationServerMetadata,
  authorizationServerMetadata,
  authorizationServerMetadataPaths,
} from '../oauth/metadata/authorization-server-metadata.ts'
import {
  type OwnEndpoints,
  ownEndpoints,
  sharedTokenEndpoint,
} from '../oauth/metadata/own-endpoints.ts'

/** What the identity provider's discovery document says; asked each time, as it can still change. */
export interface DiscoveredProvider {
  /** As discovered, else as configured. */
  metadataIssuer(): string
  /** Absent until discovery, or if it is not to be visited. */
  authorizationEndpoint(): string | undefined
  /** Absent until discovery. */
  keySetUrl(): string | undefined
}

/** What the sign-in mode makes one resource say about itself, in metadata and challenges. */
export interface SignInFacts {
  /** The issuer in `authorization_servers` of RFC 9728. */
  authorizationServer(): string
  /** `scopes_supported` in both kinds of metadata, and `scope` in challenges. */
  readonly scopes: readonly string[]
  /** Whether a client that asks again can get `required_scopes`, and a challenge tells it so. */
  readonly stepsUp: boolean
  /** Absent: no authorization server is ours, users sign in at the identity provider. */
  readonly ownServer?: OwnServer
}

/** The authorization server that rolecall is for one resource. */
export interface OwnServer {
  /** Where its metadata is. */
  readonly metadataPaths: readonly string[]
  /** Absent while the identity provider's endpoints are not known. */
  metadata(): AuthorizationServerMetadata | undefined
}

type Settings = Pick<Config, 'public_url' | 'identity_provider' | 'sign_in' | 'resources'>

/** What the mode makes one of the configuration's resources say. */
export function signInFacts(
  resource: ProtectedResource,
  config: Settings,
  provider: DiscoveredProvider,
): SignInFacts {
  const { sign_in: signIn, public_url: publicUrl } = config
  const { name, request_scopes: requestScopes } = resource
  if (signIn.mode === 'off') {
    return {
      authorizationServer: () => provider.metadataIssuer(),
      scopes: requestScopes,
      stepsUp: true,
    }
  }
  const own = ownEndpoints({ publicUrl, name, isFirst: name === config.resources[0]?.name })
  const says = signIn.mode === 'relay' ? relaySays(resource, publicUrl) : brokerSays(own, signIn)
  const { signing_algorithms: signingAlgorithms, kind } = config.identity_provider
  return {
    authorizationServer: () => own.issuer,
    scopes: says.scopes,
    stepsUp: false,
    ownServer: {
      metadataPaths: authorizationServerMetadataPaths(own.issuer, resource.path),
      metadata() {
        const authorizationEndpoint = provider.authorizationEndpoint()
        const keySetUrl = provider.keySetUrl()
        if (authorizationEndpoint === undefined || keySetUrl === undefined) return undefined
        return authorizationServerMetadata({
          issuer: own.issuer,
          authorizationEndpoint,
          keySetUrl,
          signingAlgorithms,
          subjectType: kind === 'entra' ? 'pairwise' : 'public',
          scopes: says.scopes,
          ...says.endpoints,
        })
      },
    },
  }
}

/** What tells one mode's authorization server from another's. */
interface ModeSays {
  readonly scopes: readonly string[]
  /** Absent: `authorizationEndpoint` is the identity provider's. */
  readonly endpoints: Pick<AuthorizationServerDescription, 'tokenEndpoint' | 'ownSignIn'> &
    Partial<Pick<AuthorizationServerDescription, 'authorizationEndpoint'>>
}

/** Clients ask the identity provider for the scopes themselves, so that it is all of them. */
function relaySays({ request_scopes: scopes }: ProtectedResource, publicUrl: string): ModeSays {
  return {
    scopes,
    endpoints: { tokenEndpoint: sharedTokenEndpoint(publicUrl) },
  }
}

/** The one scope where rolecall signs users in; what it asks the provider for is its own business. */
const BROKER_SCOPES = ['mcp']

function brokerSays(own: OwnEndpoints, signIn: BrokerConfig): ModeSays {
  return {
    scopes: BROKER_SCOPES,
    endpoints: {
      authorizationEndpoint: own.authorize,
      tokenEndpoint: own.token,
      ownSignIn: {
        ...(signIn.registration && { registrationEndpoint: own.register }),
        revocationEndpoint: own.revoke,
        clientMetadataDocuments: signIn.client_metadata_hosts.length > 0,
        issuerParameter: signIn.issuer_parameter,
      },
    },
  }
}
