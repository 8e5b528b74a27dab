/**
 * The effective configuration: what `load` hands to the rest of the program. Keys have the names of
 * the file; durations are milliseconds; every default is filled in; files are read. Frozen.
 */
export interface Config {
  /** Our own origin, without a trailing slash: `https://mcp.example.com`. */
  readonly public_url: string
  /** Further `Host` values, lower case, with the port where one is given. */
  readonly internal_hosts: readonly string[]
  readonly listen: ListenAddress
  /** PEM texts; absent: plain http on `listen`. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  readonly admin_listen: ListenAddress
  readonly allowed_origins: readonly string[]
  readonly unsafe_any_origin: boolean
  /** CIDRs. */
  readonly trusted_proxies: readonly string[]
  /** 32 bytes each, base64url; the first seals, all open. Empty: none configured. */
  readonly sealing_keys: readonly string[]
  readonly shutdown_delay: number
  readonly shutdown_grace: number
  readonly log_level: LogLevel
  readonly identity_provider: IdentityProviderConfig
  readonly limits: {
    readonly header_bytes: number
    readonly body_bytes: number
    readonly header_timeout: number
    readonly body_timeout: number
    readonly registrations_per_minute: number
  }
  readonly sign_in: SignInConfig
  readonly store: StoreConfig
  readonly resources: readonly ResourceConfig[]
  /** Every file that was read for a value, absolute paths; `serve` watches their contents. */
  readonly files: readonly string[]
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export type Cloud = 'public' | 'usgov' | 'china'

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

interface CommonIdentityProvider {
  readonly client_id?: string
  readonly credential: ProviderCredential
  /** Further parameters of the authorize request. */
  readonly authorize_parameters: Readonly<Record<string, string>>
  readonly user_claim?: string
  readonly groups_claim?: string
  /** PEM text: the only authorities trusted for this provider; absent: the system's. */
  readonly certificate_authority?: string
  readonly signing_algorithms: readonly string[]
  readonly stale_for: number
}

export interface EntraConfig extends CommonIdentityProvider {
  readonly kind: 'entra'
  /** A GUID, lower case. */
  readonly tenant_id: string
  readonly cloud: Cloud
  /** A base URL in place of the cloud's, without a trailing slash. */
  readonly authority?: string
}

export interface OidcConfig extends CommonIdentityProvider {
  readonly kind: 'oidc'
  /** Exactly as configured: compared character by character. */
  readonly issuer: string
}

export type IdentityProviderConfig = EntraConfig | OidcConfig

export type SignInConfig = { readonly mode: 'off' } | RelayConfig | BrokerConfig

export type SignInMode = SignInConfig['mode']

interface CommonSignIn {
  /** Presets by their names, and exact URIs, as written. */
  readonly redirect_uris: readonly string[]
  readonly tokens: 'sealed' | 'passthrough'
  readonly popup_origins: readonly string[]
  /** Milliseconds. */
  readonly session_lifetime: number
  /** Milliseconds since the epoch. */
  readonly sessions_valid_after?: number
}

/** The browser goes to the identity provider itself; rolecall redeems and refreshes. */
export interface RelayConfig extends CommonSignIn {
  readonly mode: 'relay'
}

/** rolecall is the authorization server of its clients. */
export interface BrokerConfig extends CommonSignIn {
  readonly mode: 'broker'
  readonly registration: boolean
  readonly client_metadata_hosts: readonly string[]
  readonly consent: 'ask' | 'remember'
  readonly issuer_parameter: boolean
  readonly clients: readonly RegisteredClient[]
}

/** A client that was registered beforehand. */
export interface RegisteredClient {
  readonly client_id: string
  readonly redirect_uris: readonly string[]
  /** Absent: a public client. */
  readonly client_secret?: string
  readonly skip_consent: boolean
}

/** Where sign-in keeps what must hold in every process. Empty: this process's memory. */
export interface StoreConfig {
  /** With the password in it: a secret. */
  readonly redis_url?: string
}

export interface ResourceConfig {
  readonly name: string
  /** Begins with a slash, does not end with one. */
  readonly path: string
  readonly upstream: string
  /** PEM text. */
  readonly upstream_certificate_authority?: string
  readonly upstream_client_certificate?: { readonly certificate: string; readonly key: string }
  readonly unsafe_upstream_tls_unverified: boolean
  /** Lower case. */
  readonly upstream_token_header: string
  /** `own` only together with `unsafe_upstream_identity`, which `load` demands. */
  readonly upstream_identity: 'caller' | 'own'
  readonly connect_timeout: number
  readonly response_timeout: number
  readonly probe_tool?: string
  /** Empty only together with `unsafe_any_audience`, which `load` demands. */
  readonly audiences: readonly string[]
  readonly unsafe_any_audience: boolean
  readonly request_scopes: readonly string[]
  readonly required_scopes: readonly string[]
  readonly required_groups: readonly string[]
  /** Client ids, or `'any'`: the default is already applied. */
  readonly allowed_clients: readonly string[] | 'any'
  readonly allow_app_tokens: boolean
  /** Absent: the identity provider's own issuers. */
  readonly token_issuers?: readonly string[]
  readonly token_kind: 'access_token' | 'id_token'
}
