import type { TestContext } from 'node:test'
import type { BrokerConfig } from '../../src/config/config.ts'
import { holmes } from '../../src/demo/mock-entra/directory.ts'
import { type Gateway, type GatewayOptions, startEntra, startGateway } from './gateway.ts'
import { scope } from './relay-gateway.ts'

/** A rolecall in mode broker over a mock Entra, and a browser. */
export interface BrokerGateway {
  readonly gateway: Gateway
  readonly browser: Browser
}

/** Follows nothing by itself; keeps cookies by origin, as far as these tests need it. */
export interface Browser {
  get(url: string, headers?: Record<string, string>): Promise<Response>
  post(
    url: string,
    form: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Response>
  /** Presses Allow on a consent page; the address that the browser is then sent to. */
  allow(page: Response): Promise<string>
  readonly cookies: Map<string, string>
}

export function createBrowser(): Browser {
  const cookies = new Map<string, string>()
  const visit = async (url: string, init: RequestInit): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...(init.headers as Record<string, string>), ...(cookie && { cookie }) }
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
  const post: Browser['post'] = (url, form, headers = {}) =>
    visit(url, { method: 'POST', body: new URLSearchParams(form), headers })
  return {
    cookies,
    get: (url, headers = {}) => visit(url, { headers }),
    post,
    async allow(page) {
      const html = await page.text()
      const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1] ?? ''
      const transaction = /name="transaction" value="([^"]+)"/.exec(html)?.[1] ?? ''
      const { origin } = new URL(page.url)
      const form = { transaction, decision: 'allow' }
      const answer = await post(new URL(action, page.url).href, form, { origin })
      const location = answer.headers.get('location')
      if (location === null) throw new Error(`no redirect but ${answer.status}`)
      return location
    },
  }
}

export interface BrokerOptions extends Partial<GatewayOptions> {
  readonly signIn?: Partial<BrokerConfig>
}

/** Starts both; they are stopped with the test. */
export async function startBroker(
  t: TestContext,
  options: BrokerOptions = {},
): Promise<BrokerGateway> {
  const entra = options.entra ?? (await startEntra(t))
  const gateway = await startGateway(t, {
    upstream: 'http://127.0.0.1:9/mcp',
    ...options,
    entra,
    config: {
      identity_provider: {
        kind: 'entra',
        tenant_id: entra.tenantId,
        cloud: 'public',
        authority: entra.origin,
        client_id: holmes.client_id,
        credential: { kind: 'secret', secret: holmes.client_secret ?? '' },
        authorize_parameters: {},
        groups_claim: 'groups',
        signing_algorithms: ['RS256'],
        stale_for: 86_400_000,
      },
      sign_in: brokerConfig(options.signIn),
      ...options.config,
    },
    resource: {
      allowed_clients: [holmes.client_id],
      request_scopes: scope.split(' '),
      ...options.resource,
    },
  })
  return { gateway, browser: createBrowser() }
}

/** Mode broker with a client registered beforehand. */
export function brokerConfig(over: Partial<BrokerConfig> = {}): BrokerConfig {
  return {
    mode: 'broker',
    redirect_uris: ['loopback', 'robusta'],
    tokens: 'sealed',
    popup_origins: [],
    session_lifetime: 86_400_000,
    registration: true,
    client_metadata_hosts: [],
    consent: 'ask',
    issuer_parameter: true,
    clients: [{ client_id: 'holmes', redirect_uris: ['robusta', 'loopback'], skip_consent: false }],
    ...over,
  }
}
