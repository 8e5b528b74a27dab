import type { Cloud, EntraConfig } from '../../config/config.ts'
import { text } from '../../oauth/claims.ts'
import type { JsonObject } from '../../oauth/json.ts'

/** Where Microsoft Graph of a cloud is, the usual host first: of the US Government's there are two. */
const hosts: Readonly<Record<Cloud, readonly [string, ...string[]]>> = {
  public: ['graph.microsoft.com'],
  usgov: ['graph.microsoft.us', 'dod-graph.microsoft.us'],
  china: ['microsoftgraph.chinacloudapi.cn'],
}

/** Microsoft Graph as one tenant knows it. */
export interface MicrosoftGraph {
  /** Its origin. */
  readonly url: string
  /** What scopes begin with. */
  readonly audience: string
}

/**
 * The Microsoft Graph of a tenant. Discovery names it (`msgraph_host`), and of the hosts that it names
 * only the cloud's own count, since a user's token goes there. With `authority` (a mock, a regional
 * endpoint) the one in its discovery counts, on a port of that machine too.
 *
 * @param metadata the discovery document; absent: the cloud's usual host
 */
export function graphOf(
  { cloud, authority }: Pick<EntraConfig, 'cloud' | 'authority'>,
  metadata: JsonObject | undefined,
): MicrosoftGraph {
  const known = hosts[cloud]
  const named = text(metadata ?? {}, 'msgraph_host')
  const own = known.find((host) => host === named) ?? known[0]
  const audience = `https://${own}`
  if (authority === undefined || named === undefined) return { url: audience, audience }
  const isKnown = known.some((host) => host === named)
  const scheme = isKnown ? 'https:' : new URL(authority).protocol
  return { url: `${scheme}//${named}`, audience }
}
