import type { Settings } from './schema/schema.ts'
import type { BROKER_ONLY } from './schema/sign-in.ts'
import type { Values } from './values.ts'

/**
 * The effective configuration: what `load` hands to the rest of the program. Every setting of the
 * schema is in it under its own name; durations are milliseconds, defaults are filled in, files are
 * read. Frozen. Only what is worked out of more than one setting is declared here.
 */
export interface Config extends Omit<Values<Settings>, Computed> {
  /** Our own origin, without a trailing slash: `https://mcp.example.com`. */
  readonly public_url: string
  /** Absent: plain http on `listen`. */
  readonly tls?: CertificateAndKey
  /** 32 bytes each, base64url; the first seals, all open. Empty: none configured. */
  readonly sealing_keys: readonly string[]
  readonly identity_provider: IdentityProviderConfig
  readonly sign_in: SignInConfig
  readonly store: StoreConfig
  readonly resources: readonly ResourceConfig[]
  /** Absent: none. */
  readonly fleet?: FleetConfig
  /** Every file that was read for a value, absolute paths; `serve` watches their contents. */
  readonly files: readonly string[]
}

type Computed =
  | 'resource_defaults'
  | 'public_url'
  | 'sealing_keys'
  | 'identity_provider'
  | 'sign_in'
  | 'store'
  | 'resource'
  | 'fleet'

export type ListenAddress = Config['listen']

/** PEM texts. */
export interface CertificateAndKey {
  readonly certificate: string
  readonly key: string
}

/** How rolecall proves itself to the identity provider. Files are read again for each use. */
export type ProviderCredential =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'secret'
      readonly secret: string
      /** Absolute; where the secret came from, when it came from a file. */
      readonly file?: string
      /** Absent: `post`, or `basic` where discovery offers only that. */
      readonly method?: 'post' | 'basic'
    }
  | {
      readonly kind: 'certificate'
      /** PEM texts, as they were when the configuration was read. */
      readonly certificate: string
      readonly key: string
      /** Absolute. */
      readonly certificate_file: string
      readonly key_file: string
    }
  | {
      readonly kind: 'federated_token'
      /** Absolute. */
      readonly file: string
    }

type ProviderSettings = Values<Settings['identity_provider']>
type OnlyEntra = 'tenant_id' | 'cloud' | 'authority' | 'resolve_groups'
type OnlyOidc = 'issuer' | 'discovery_url'

interface CommonIdentityProvider
  extends Omit<
    ProviderSettings,
    'kind' | 'groups_claim' | OnlyEntra | OnlyOidc | 'client_secret' | 'client_secret_method'
  > {
  /** Absent: no user has groups. */
  readonly groups_claim?: string
  readonly credential: ProviderCredential
  /** PEM text: the only authorities trusted for this provider; absent: the system's. */
  readonly certificate_authority?: string
}

export interface EntraConfig extends CommonIdentityProvider, Pick<ProviderSettings, OnlyEntra> {
  readonly kind: 'entra'
  readonly tenant_id: string
  readonly cloud: Cloud
  readonly resolve_groups: boolean
}

export interface OidcConfig extends CommonIdentityProvider, Pick<ProviderSettings, OnlyOidc> {
  readonly kind: 'oidc'
  readonly issuer: string
}

export type Cloud = NonNullable<ProviderSettings['cloud']>

export type IdentityProviderConfig = EntraConfig | OidcConfig

type SignInSettings = Values<Settings['sign_in']>

export type SignInMode = NonNullable<SignInSettings['mode']>

export type SignInConfig = { readonly mode: 'off' } | RelayConfig | BrokerConfig

/** The browser goes to the identity provider itself; rolecall redeems and refreshes. */
export interface RelayConfig
  extends Omit<SignInSettings, 'mode' | 'tokens' | (typeof BROKER_ONLY)[number]> {
  readonly mode: 'relay'
  readonly tokens: 'sealed' | 'passthrough'
}

/** rolecall is the authorization server of its clients. */
export interface BrokerConfig extends Omit<SignInSettings, 'mode' | 'tokens' | 'client'> {
  readonly mode: 'broker'
  readonly tokens: 'sealed' | 'passthrough'
  readonly clients: readonly RegisteredClient[]
}

/** A client that was registered beforehand. */
export interface RegisteredClient extends Values<Settings['sign_in']['client'][number]> {
  readonly client_id: string
}

/** Where sign-in keeps what must hold in every process. Without `redis_url`: this process's memory. */
export type StoreConfig = Values<Settings['store']>

/** One `[[resource]]`. */
export interface ResourceConfig
  extends Omit<
    Values<Settings['resource'][number]>,
    'upstream' | 'request_scopes' | 'allowed_clients' | 'token_issuers'
  > {
  readonly upstream: string
  /** PEM text. */
  readonly upstream_certificate_authority?: string
  readonly upstream_client_certificate?: CertificateAndKey
  readonly request_scopes: readonly string[]
  /** Client ids, or `'any'`: the default is already applied. */
  readonly allowed_clients: readonly string[] | 'any'
  /** Absent: the identity provider's own issuers. */
  readonly token_issuers?: readonly string[]
}

/** What of a resource decides who may come in and what clients are told; a fleet has it too. */
export type ProtectedResource = Pick<
  ResourceConfig,
  | 'name'
  | 'path'
  | 'description'
  | 'audiences'
  | 'unsafe_any_audience'
  | 'request_scopes'
  | 'required_scopes'
  | 'required_groups'
  | 'allow'
  | 'allowed_clients'
  | 'allow_app_tokens'
  | 'token_issuers'
  | 'token_kind'
  | 'upstream_identity'
>

/** `[fleet]` */
export interface FleetConfig {
  /** The fleet as clients sign in for it. */
  readonly resource: ProtectedResource
  /** `fleet.resources`, as written. */
  readonly selectors: readonly string[]
  /** Names of the resources that it is made of, in their order. */
  readonly members: readonly string[]
  readonly fan_out: boolean
}
