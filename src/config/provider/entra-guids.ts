import { lowerGuids } from '../../oauth/guid.ts'
import type { Settings } from '../schema/schema.ts'
import { kindOfProvider } from './identity-provider.ts'

/** Settings of a resource that may hold GUIDs of Entra. */
const guidLists = [
  'audiences',
  'request_scopes',
  'required_scopes',
  'required_groups',
  'allowed_clients',
  'token_issuers',
] as const

/**
 * Settings in which Entra's GUIDs are in lower case, as its tokens have them: portals and scripts
 * show them in capitals, and every later comparison is exact. Other providers' ids are left alone.
 */
export function lowerCaseEntraGuids(settings: Settings): Settings {
  if (kindOfProvider({ settings }) !== 'entra') return settings
  const provider = settings.identity_provider
  const resource = settings.resource.map((one) => {
    const lists = guidLists.map((key) => [key, one[key]?.map(lowerGuids)] as const)
    const allow = one.allow.map((rule) => ({
      ...rule,
      groups: rule.groups.map(lowerGuids),
      clients: rule.clients.map(lowerGuids),
    }))
    return { ...one, ...Object.fromEntries(lists), allow }
  })
  const id = provider.client_id
  const own = id === undefined ? {} : { client_id: lowerGuids(id) }
  return { ...settings, identity_provider: { ...provider, ...own }, resource }
}
