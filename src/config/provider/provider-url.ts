import { isLoopbackHost } from '../../net/loopback.ts'
import type { Cloud } from '../config.ts'
import { isGuid } from '../schema/identifiers.ts'

/** What the URL of an issuer says about the identity provider. */
export type ProviderOfUrl =
  | { readonly kind: 'oidc'; readonly issuer: string }
  | {
      readonly kind: 'entra'
      readonly tenant_id: string
      readonly cloud?: Cloud
      readonly authority?: string
    }

const clouds: Readonly<Record<string, Cloud>> = {
  'login.microsoftonline.com': 'public',
  'login.microsoftonline.us': 'usgov',
  'login.partner.microsoftonline.cn': 'china',
}

/** The cloud whose sign-in host this is. */
export function cloudOfHost(host: string): Cloud | undefined {
  return clouds[host]
}

/**
 * Tells Entra's issuers, `https://login.microsoftonline.com/<tenant>/v2.0` and those of the national
 * clouds, from all others; what follows the tenant may be left out. On loopback a path of that form with a GUID is a mock of Entra. Whether
 * the tenant is a GUID is not checked for Entra's own hosts: the setting tells that.
 *
 * @param url an http or https URL
 */
export function providerOfUrl(url: string): ProviderOfUrl {
  const { protocol, hostname, pathname, origin } = new URL(url)
  const cloud = cloudOfHost(hostname)
  const form =
    cloud === undefined ? /^\/(?<tenant>[^/]+)\/v2\.0\/?$/ : /^\/(?<tenant>[^/]+)(\/v2\.0)?\/?$/
  const tenant = form.exec(pathname)?.groups?.['tenant']
  if (tenant === undefined) return { kind: 'oidc', issuer: url }
  if (cloud !== undefined && protocol === 'https:' && origin === `https://${hostname}`) {
    return { kind: 'entra', tenant_id: tenant, cloud }
  }
  if (isLoopbackHost(hostname) && isGuid(tenant)) {
    return { kind: 'entra', tenant_id: tenant, authority: origin }
  }
  return { kind: 'oidc', issuer: url }
}

const providerKeys = ['kind', 'tenant_id', 'cloud', 'authority', 'issuer'] as const

/** Every setting by which a provider is chosen, with its value from a URL, or none. */
export function providerAssignments(provider: ProviderOfUrl, label: string) {
  const values: Readonly<Partial<Record<(typeof providerKeys)[number], string>>> = provider
  return providerKeys.map((key) => ({
    path: ['identity_provider', key],
    value: values[key],
    label,
  }))
}
