import type { Config, IdentityProviderConfig, ResourceConfig } from './config.ts'
import { judgeIdentityProvider, kindOfProvider } from './provider/identity-provider.ts'
import { providerCredential } from './provider/provider-credential.ts'
import { judgeResolvedGroups } from './provider/resolved-groups.ts'
import { judgeTokenIssuers } from './provider/token-issuers.ts'
import { judgeEdge, judgeLimits, publicUrl } from './rules/edge.ts'
import { fleetConfig, judgeFleet } from './rules/fleet.ts'
import { requestScopes } from './rules/request-scopes.ts'
import { judgeResources } from './rules/resource.ts'
import type { RuleInput } from './rules/rule.ts'
import { judgeSignIn } from './rules/sign-in.ts'
import { signInConfig } from './rules/sign-in-config.ts'
import { judgeStore } from './rules/store.ts'
import type { Settings } from './schema/schema.ts'
import type { ValueFiles } from './sources/value-files.ts'
import { valuesOf, withoutUndefined } from './values.ts'

type Resource = Settings['resource'][number]

/**
 * Judges the settings together and makes the configuration of them. What is missing has been told
 * to the report; only without problems is the result worth anything.
 */
export function effectiveConfig(input: RuleInput, files: ValueFiles): Omit<Config, 'files'> {
  const { settings, mode } = input
  const tls = files.pair(
    { certificate: settings.tls_certificate_file, key: settings.tls_key_file },
    ['tls_certificate_file'],
    ['tls_key_file'],
  )
  judgeEdge(input)
  judgeIdentityProvider(input, files)
  judgeResolvedGroups(input)
  judgeResources(input)
  judgeTokenIssuers(input)
  judgeFleet(input)
  judgeSignIn(input)
  judgeStore(input)
  judgeLimits(input)
  const { resource: given, resource_defaults: _defaults, fleet: written, ...rest } = settings
  const resources = given.map((resource, index) => resourceConfig(input, files, resource, index))
  const fleet = fleetConfig(written, resources)
  return {
    ...valuesOf(rest),
    ...(tls && { tls }),
    public_url: publicUrl(input) ?? '',
    sealing_keys: settings.sealing_keys ?? [],
    identity_provider: providerConfig(input, files),
    sign_in: signInConfig(settings, mode),
    store: valuesOf(settings.store),
    resources,
    ...(fleet && { fleet }),
  }
}

function providerConfig(input: RuleInput, files: ValueFiles): IdentityProviderConfig {
  const provider = input.settings.identity_provider
  const {
    kind: _kind,
    tenant_id: tenant,
    cloud,
    authority,
    resolve_groups: resolvesGroups = false,
    issuer,
    discovery_url: discovery,
    groups_claim: groups,
    client_secret: _secret,
    client_secret_method: _method,
    ...rest
  } = valuesOf(provider)
  const common = withoutUndefined({
    ...rest,
    groups_claim: groups === '' ? undefined : groups,
    credential: providerCredential(provider, files),
    certificate_authority: files.certificates(provider.certificate_authority_file, [
      'identity_provider',
      'certificate_authority_file',
    ]),
  })
  if (kindOfProvider(input) === 'oidc') {
    const oidc = withoutUndefined({ issuer: issuer ?? '', discovery_url: discovery })
    return { kind: 'oidc', ...oidc, ...common }
  }
  const entra = {
    tenant_id: tenant ?? '',
    cloud: cloud ?? 'public',
    resolve_groups: resolvesGroups,
    ...withoutUndefined({ authority }),
  } as const
  return { kind: 'entra', ...entra, ...common }
}

function resourceConfig(
  input: RuleInput,
  files: ValueFiles,
  resource: Resource,
  index: number,
): ResourceConfig {
  const at = (key: keyof Resource) => ['resource', index, key]
  return withoutUndefined({
    ...valuesOf(resource),
    upstream: resource.upstream ?? '',
    upstream_certificate_authority: files.certificates(
      resource.upstream_certificate_authority_file,
      at('upstream_certificate_authority_file'),
    ),
    upstream_client_certificate: files.pair(
      {
        certificate: resource.upstream_client_certificate_file,
        key: resource.upstream_client_key_file,
      },
      at('upstream_client_certificate_file'),
      at('upstream_client_key_file'),
    ),
    request_scopes: requestScopes(input, resource),
    allowed_clients: allowedClients(input, resource),
    token_issuers: resource.token_issuers.length > 0 ? resource.token_issuers : undefined,
  })
}

function allowedClients({ settings }: RuleInput, resource: Resource): readonly string[] | 'any' {
  const { client_id: own } = settings.identity_provider
  if (resource.allowed_clients.includes('*')) return 'any'
  if (resource.allowed_clients.length > 0) return resource.allowed_clients
  return own === undefined ? 'any' : [own]
}
