import type { Cloud } from '../config.ts'
import type { RuleInput } from '../rules/rule.ts'
import type { Settings } from '../schema/schema.ts'
import { kindOfProvider } from './identity-provider.ts'
import { cloudOfHost } from './provider-url.ts'

/** What is wrong with an issuer that Entra ID might have written into a token, and the right one. */
interface IssuerFault {
  readonly what: string
  readonly instead: string
}

/** Hosts of v1 issuers; those of the public cloud and of the US government are the same. */
const V1_HOSTS: Readonly<Record<string, readonly Cloud[]>> = {
  'sts.windows.net': ['public', 'usgov'],
  'sts.chinacloudapi.cn': ['china'],
}
const V2_HOST_OF: Readonly<Record<Cloud, string>> = {
  public: 'login.microsoftonline.com',
  usgov: 'login.microsoftonline.us',
  china: 'login.partner.microsoftonline.cn',
}
const V1_HOST_OF: Readonly<Record<Cloud, string>> = {
  public: 'sts.windows.net',
  usgov: 'sts.windows.net',
  china: 'sts.chinacloudapi.cn',
}

/**
 * Tells issuers of Entra ID that no token of this tenant and cloud has, and audiences that its tokens of one
 * version never have. With an authority of its own nothing is known.
 */
export function judgeTokenIssuers({ settings, draft, report }: RuleInput): void {
  const { tenant_id: tenant, cloud = 'public', authority } = settings.identity_provider
  if (kindOfProvider({ settings }) !== 'entra' || tenant === undefined) return
  for (const [index, resource] of settings.resource.entries()) {
    const issuers = resource.token_issuers ?? []
    const path = ['resource', index, 'token_issuers']
    const faults = issuers.map((issuer) => faultOf(issuer, { tenant, cloud }))
    // Where one is right, tokens are taken all the same.
    const warn = (faults.every(Boolean) ? report.warnAll : report.warn).bind(report)
    for (const [at, fault] of faults.entries()) {
      if (!fault || authority !== undefined) continue
      warn(draft, [...path, at], fault.what, `Write "${fault.instead}", or remove token_issuers.`)
    }
    if (takesV2Alone(resource)) {
      report.warnAll(
        draft,
        ['resource', index, 'audiences'],
        'has api:// URIs alone, and token_issuers the v2.0 issuer alone: the audience of a v2.0 token is always a GUID',
        'Write the Application (client) ID of the API in audiences, or leave token_issuers out.',
      )
    }
  }
}

function takesV2Alone({ audiences, token_issuers: issuers = [] }: Settings['resource'][number]) {
  const v2 = issuers.length > 0 && issuers.every((issuer) => /\/v2\.0$/.test(issuer))
  return v2 && audiences.length > 0 && audiences.every((audience) => /^api:\/\//i.test(audience))
}

function faultOf(
  issuer: string,
  { tenant, cloud }: { readonly tenant: string; readonly cloud: Cloud },
): IssuerFault | undefined {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (url === undefined) return undefined
  const v1Clouds = V1_HOSTS[url.hostname]
  const v2Cloud = cloudOfHost(url.hostname)
  if (v1Clouds === undefined && v2Cloud === undefined) return undefined
  const host = v1Clouds === undefined ? V2_HOST_OF[cloud] : V1_HOST_OF[cloud]
  const end = v1Clouds === undefined ? 'v2.0' : ''
  const instead = `https://${host}/${tenant}/${end}`
  const of: readonly (Cloud | undefined)[] = v1Clouds ?? [v2Cloud]
  if (!of.includes(cloud)) {
    return { what: `is of another cloud than cloud = "${cloud}"`, instead }
  }
  if (url.pathname.split('/')[1]?.toLowerCase() !== tenant.toLowerCase()) {
    return { what: 'is of another tenant than tenant_id', instead }
  }
  if (issuer === instead) return undefined
  return { what: 'is not written as Entra ID writes it, character by character', instead }
}
