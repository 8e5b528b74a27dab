import type { Config, IdentityProviderConfig, ResourceConfig, StoreConfig } from './config.ts'
import { judgeEdge, publicUrl } from './rules/edge.ts'
import { judgeIdentityProvider, kindOfProvider } from './rules/identity-provider.ts'
import { providerCredential } from './rules/provider-credential.ts'
import { requestScopes } from './rules/request-scopes.ts'
import { judgeResources } from './rules/resource.ts'
import type { RuleInput } from './rules/rule.ts'
import { judgeSignIn } from './rules/sign-in.ts'
import { signInConfig } from './rules/sign-in-config.ts'
import type { Settings } from './schema/schema.ts'
import type { ValueFiles } from './sources/value-files.ts'

type Resource = Settings['resource'][number]
type Pair = { readonly certificate: string; readonly key: string }

/**
 * Judges the settings together and makes the configuration of them. What is missing has been told
 * to the report; only without problems is the result worth anything.
 */
export function effectiveConfig(judgement: RuleInput, files: ValueFiles): Omit<Config, 'files'> {
  const { settings, mode } = judgement
  const tls = files.pair(
    { certificate: settings.tls_certificate_file, key: settings.tls_key_file },
    ['tls_certificate_file'],
    ['tls_key_file'],
  )
  judgeEdge(judgement)
  judgeIdentityProvider(judgement, files)
  judgeResources(judgement)
  judgeSignIn(judgement)
  return {
    public_url: publicUrl(judgement) ?? '',
    internal_hosts: settings.internal_hosts,
    listen: settings.listen,
    ...(tls && { tls }),
    admin_listen: settings.admin_listen,
    allowed_origins: settings.allowed_origins,
    unsafe_any_origin: settings.unsafe_any_origin,
    trusted_proxies: settings.trusted_proxies,
    sealing_keys: settings.sealing_keys ?? [],
    shutdown_delay: settings.shutdown_delay,
    shutdown_grace: settings.shutdown_grace,
    log_level: settings.log_level,
    identity_provider: providerConfig(judgement, files),
    limits: settings.limits,
    sign_in: signInConfig(settings, mode),
    store: storeConfig(settings),
    resources: settings.resource.map((resource, index) =>
      resourceConfig(judgement, files, resource, index),
    ),
  }
}

function storeConfig({ store }: Settings): StoreConfig {
  return store.redis_url === undefined ? {} : { redis_url: store.redis_url }
}

function providerConfig(judgement: RuleInput, files: ValueFiles): IdentityProviderConfig {
  const provider = judgement.settings.identity_provider
  const at = (key: keyof typeof provider) => ['identity_provider', key]
  const authority = files.certificates(
    provider.certificate_authority_file,
    at('certificate_authority_file'),
  )
  const common = {
    credential: providerCredential(provider, files),
    authorize_parameters: provider.authorize_parameters,
    ...(provider.client_id !== undefined && { client_id: provider.client_id }),
    ...(provider.user_claim !== undefined && { user_claim: provider.user_claim }),
    ...(provider.groups_claim !== undefined && { groups_claim: provider.groups_claim }),
    ...(authority !== undefined && { certificate_authority: authority }),
    signing_algorithms: provider.signing_algorithms,
    stale_for: provider.stale_for,
  }
  if (kindOfProvider(judgement) === 'oidc') {
    return { kind: 'oidc', issuer: provider.issuer ?? '', ...common }
  }
  return {
    kind: 'entra',
    tenant_id: provider.tenant_id ?? '',
    cloud: provider.cloud ?? 'public',
    ...(provider.authority !== undefined && { authority: provider.authority }),
    ...common,
  }
}

function resourceConfig(
  judgement: RuleInput,
  files: ValueFiles,
  resource: Resource,
  index: number,
): ResourceConfig {
  const at = (key: keyof Resource) => ['resource', index, key]
  const authority = files.certificates(
    resource.upstream_certificate_authority_file,
    at('upstream_certificate_authority_file'),
  )
  const client: Pair | undefined = files.pair(
    {
      certificate: resource.upstream_client_certificate_file,
      key: resource.upstream_client_key_file,
    },
    at('upstream_client_certificate_file'),
    at('upstream_client_key_file'),
  )
  return {
    name: resource.name,
    path: resource.path,
    upstream: resource.upstream ?? '',
    ...(authority !== undefined && { upstream_certificate_authority: authority }),
    ...(client && { upstream_client_certificate: client }),
    unsafe_upstream_tls_unverified: resource.unsafe_upstream_tls_unverified,
    upstream_token_header: resource.upstream_token_header,
    upstream_identity: resource.upstream_identity,
    connect_timeout: resource.connect_timeout,
    response_timeout: resource.response_timeout,
    ...(resource.probe_tool !== undefined && { probe_tool: resource.probe_tool }),
    audiences: resource.audiences,
    unsafe_any_audience: resource.unsafe_any_audience,
    request_scopes: requestScopes(judgement, resource),
    required_scopes: resource.required_scopes,
    required_groups: resource.required_groups,
    allowed_clients: allowedClients(judgement, resource),
    allow_app_tokens: resource.allow_app_tokens,
    ...(resource.token_issuers.length > 0 && { token_issuers: resource.token_issuers }),
    token_kind: resource.token_kind,
  }
}

function allowedClients({ settings }: RuleInput, resource: Resource): readonly string[] | 'any' {
  const { client_id: own } = settings.identity_provider
  if (resource.allowed_clients.includes('*')) return 'any'
  if (resource.allowed_clients.length > 0) return resource.allowed_clients
  return own === undefined ? 'any' : [own]
}
