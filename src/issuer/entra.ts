import type { Cloud, EntraConfig } from '../config/config.ts'
import { lowerGuids } from '../oauth/guid.ts'
import type { JsonObject } from '../oauth/json.ts'
import type { IssuerProfile } from './issuer-profile.ts'

interface CloudHosts {
  readonly login: string
  readonly tokens: string
}

/** The hosts of the v2 and of the v1 issuer. They are not derivable from one another. */
const clouds: Readonly<Record<Cloud, CloudHosts>> = {
  public: { login: 'https://login.microsoftonline.com', tokens: 'https://sts.windows.net' },
  usgov: { login: 'https://login.microsoftonline.us', tokens: 'https://sts.windows.net' },
  china: {
    login: 'https://login.partner.microsoftonline.cn',
    tokens: 'https://sts.chinacloudapi.cn',
  },
}

/**
 * Microsoft Entra ID, one tenant. Discovery is the v2.0 document, while the tokens of many
 * resources, the AKS server application among them, are v1 tokens with the v1 issuer: both are
 * taken, and both are signed with the keys of the v2.0 document.
 *
 * With `authority` the v2 issuer is the one its discovery names; the v1 issuer stays the cloud's.
 */
export function entraProfile(config: EntraConfig): IssuerProfile {
  const hosts = clouds[config.cloud]
  const tenant = config.tenant_id
  const v1Issuer = `${hosts.tokens}/${tenant}/`
  const cloudIssuer = `${hosts.login}/${tenant}/v2.0`
  const base = `${config.authority ?? hosts.login}/${tenant}/v2.0`
  const known = config.authority === undefined ? cloudIssuer : undefined
  return {
    kind: 'entra',
    discoveryUrl: `${base}/.well-known/openid-configuration`,
    plainHttp: 'loopback',
    configuredIssuer: base,
    tenant,
    userClaims: config.user_claim === undefined ? ['upn', 'oid'] : [config.user_claim],
    clientClaims: config.client_claim === undefined ? ['appid', 'azp'] : [config.client_claim],
    namesScope: true,
    backdating: 300, // `iat` and `nbf` say five minutes less, for machines whose clocks are late
    comparable: lowerGuids,
    acceptsIssuer: (discovered) =>
      known === undefined ? namesOneTenant(discovered, tenant) : discovered === known,
    tokenIssuers: (discovered) => [known ?? discovered, v1Issuer].filter((it) => it !== undefined),
    acceptsKey: (key, discovery) => belongsToTenant(key, discovery, tenant),
  }
}

const ENTRA_ORIGINS: readonly string[] = Object.values(clouds).flatMap(({ login, tokens }) => [
  login,
  tokens,
])

/** Whether an issuer is one of Entra's own, of whatever tenant and cloud, or of External ID. */
export function isEntraIssuer(issuer: string): boolean {
  if (!URL.canParse(issuer)) return false
  const { origin, hostname } = new URL(issuer)
  return ENTRA_ORIGINS.includes(origin) || hostname.endsWith('.ciamlogin.com')
}

/** The documents of `common` and `organizations` name a template in place of a tenant. */
function namesOneTenant(issuer: string, tenant: string): boolean {
  return URL.canParse(issuer) && new URL(issuer).pathname.split('/').includes(tenant)
}

/**
 * A key set may list keys of other clouds and of personal accounts: `cloud_instance_name` and
 * `issuer` say whose a key is, the latter as a template (External ID has the tenant in it twice). A key
 * without them (v1 key sets) is taken.
 */
function belongsToTenant(key: JsonObject, discovery: JsonObject, tenant: string): boolean {
  const keyCloud = key['cloud_instance_name']
  const cloud = discovery['cloud_instance_name']
  if (keyCloud !== undefined && cloud !== undefined && keyCloud !== cloud) return false
  const issuer = key['issuer']
  if (issuer === undefined) return true
  return (
    typeof issuer === 'string' && issuer.replace(/\{tenantid\}/gi, tenant) === discovery['issuer']
  )
}
