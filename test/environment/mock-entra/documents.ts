import type { SigningKey } from './signing-keys.ts'

type Document = Readonly<Record<string, unknown>>

/** `tenant` is a tenant id, or `common` or `organizations`, whose issuers are templates. */
interface DocumentPlace {
  readonly origin: string
  readonly tenant: string
}

/** The v2.0 issuer: the mock's own, since its host is part of it. */
export function v2Issuer({ origin, tenant }: DocumentPlace): string {
  return `${origin}/${templateOf(tenant)}/v2.0`
}

/** The v1.0 issuer, whose host is not the authority's. */
export function v1Issuer(tenant: string): string {
  return `https://sts.windows.net/${templateOf(tenant)}/`
}

function templateOf(tenant: string): string {
  return tenant === 'common' || tenant === 'organizations' ? '{tenantid}' : tenant
}

/** `/<tenant>/v2.0/.well-known/openid-configuration`, without PKCE methods, as Entra's. */
export function v2Document(place: DocumentPlace): Document {
  const base = `${place.origin}/${place.tenant}`
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: [
      'client_secret_post',
      'private_key_jwt',
      'client_secret_basic',
    ],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: v2Issuer(place),
    request_uri_parameter_supported: false,
    userinfo_endpoint: `${place.origin}/oidc/userinfo`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    claims_supported: words(
      'sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host ' +
        'aud exp iat auth_time acr nonce preferred_username name tid ver at_hash c_hash email',
    ),
    kerberos_endpoint: `${base}/kerberos`,
    tenant_region_scope: templateOf(place.tenant) === place.tenant ? 'WW' : null,
    ...cloudAt(place),
  }
}

/** `/<tenant>/.well-known/openid-configuration`: the keys are under `common` for every tenant. */
export function v1Document(place: DocumentPlace): Document {
  const { origin, tenant } = place
  const base = `${origin}/${tenant}`
  return {
    token_endpoint: `${base}/oauth2/token`,
    token_endpoint_auth_methods_supported: [
      'client_secret_post',
      'private_key_jwt',
      'client_secret_basic',
    ],
    jwks_uri: `${origin}/common/discovery/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'token id_token', 'token'],
    scopes_supported: ['openid'],
    issuer: v1Issuer(tenant),
    microsoft_multi_refresh_token: true,
    authorization_endpoint: `${base}/oauth2/authorize`,
    device_authorization_endpoint: `${base}/oauth2/devicecode`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${base}/oauth2/logout`,
    claims_supported: words(
      'sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host ' +
        'aud exp iat auth_time acr amr nonce email given_name family_name nickname',
    ),
    check_session_iframe: `${base}/oauth2/checksession`,
    userinfo_endpoint: `${base}/openid/userinfo`,
    kerberos_endpoint: `${base}/kerberos`,
    tenant_region_scope: templateOf(tenant) === tenant ? 'WW' : null,
    ...cloudAt(place),
  }
}

/** But for Microsoft Graph, which is this machine's, the public cloud. */
function cloudAt({ origin }: DocumentPlace): Document {
  return {
    cloud_instance_name: 'microsoftonline.com',
    cloud_graph_host_name: 'graph.windows.net',
    msgraph_host: new URL(origin).host,
    rbac_url: 'https://pas.windows.net',
  }
}

/**
 * A key set. Keys have no `alg`; those of v2.0 say for which issuer and cloud they are, with the
 * tenant left open. The marker at the top tells programs that these keys are nobody's.
 */
export function keySet(version: 1 | 2, origin: string, keys: readonly SigningKey[]): Document {
  const attached = {
    cloud_instance_name: 'microsoftonline.com',
    issuer: v2Issuer({ origin, tenant: 'common' }),
  }
  return {
    rolecall_mock_idp: true,
    keys: keys.map(({ kid, publicKey, certificate }) => ({
      use: 'sig',
      kid,
      x5t: kid,
      ...publicKey.export({ format: 'jwk' }),
      x5c: [certificate],
      ...(version === 2 ? attached : {}),
    })),
  }
}

function words(text: string): string[] {
  return text.split(' ')
}
