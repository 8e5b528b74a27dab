import { type Answer, send } from './raw-http.ts'

/** What came of a discovery: what was asked, in its order, and what was found. */
export interface HolmesDiscovery {
  /** `GET /path 200` */
  readonly requests: readonly string[]
  readonly scopes?: unknown
  readonly authorizationUrl?: unknown
  readonly tokenUrl?: unknown
  readonly registrationEndpoint?: unknown
}

/**
 * Looks for the endpoints of an MCP server as HolmesGPT 0.45.0 does at its start, request by
 * request, issuer and `resource` unjudged. The real one runs in the client suites.
 *
 * @param configured the URL in its values; a host that only the cluster knows is fine
 * @param origin where rolecall listens in truth
 */
export async function discoverAsHolmes(
  configured: string,
  origin: string,
): Promise<HolmesDiscovery> {
  const url = configured.replace(/\/+$/, '')
  const requests: string[] = []
  const ask = async (at: string, method = 'GET'): Promise<Answer> => {
    const { host, pathname, origin: asked } = new URL(at)
    const ours = asked === new URL(url).origin || asked === origin
    const answer = await send(ours ? `${origin}${pathname}` : at, {
      method,
      headers: [
        ['Host', host],
        ['Accept', '*/*'],
        ...(method === 'POST' ? ([['Content-Length', '0']] as const) : []),
      ],
    })
    requests.push(`${method} ${ours ? pathname : at} ${answer.status}`)
    return answer
  }
  const first = async (urls: readonly string[]) => {
    for (const one of urls) {
      const answer = await ask(one)
      if (answer.status === 200) return answer.json()
    }
    return undefined
  }

  const probes = [await ask(`${url}/.well-known/oauth-protected-resource`), await ask(url, 'POST')]
  const chosen = probes.find(({ headers }) => 'www-authenticate' in headers) ?? probes[0]
  const hint =
    chosen?.status === 401
      ? /resource_metadata="([^"]*)"/.exec(chosen.headers['www-authenticate'] ?? '')?.[1]
      : undefined
  const resource = await first(resourceCandidates(new URL(url), hint))
  const [server] = (resource?.['authorization_servers'] ?? []) as readonly string[]
  const metadata = await first(serverCandidates(new URL(url), server?.replace(/\/+$/, '')))
  return {
    requests,
    scopes: resource?.['scopes_supported'],
    authorizationUrl: metadata?.['authorization_endpoint'],
    tokenUrl: metadata?.['token_endpoint'],
    registrationEndpoint: metadata?.['registration_endpoint'],
  }
}

function resourceCandidates({ origin, pathname }: URL, hint: string | undefined) {
  const wellKnown = `${origin}/.well-known/oauth-protected-resource`
  return [...(hint === undefined ? [] : [hint]), `${wellKnown}${pathname}`, wellKnown]
}

function serverCandidates(url: URL, server: string | undefined): readonly string[] {
  if (server === undefined) return [`${url.origin}/.well-known/oauth-authorization-server`]
  const { origin, pathname } = new URL(server)
  const names = ['oauth-authorization-server', 'openid-configuration']
  if (pathname === '/') return names.map((name) => `${origin}/.well-known/${name}`)
  return [
    ...names.map((name) => `${origin}/.well-known/${name}${pathname}`),
    `${origin}${pathname}/.well-known/openid-configuration`,
  ]
}
