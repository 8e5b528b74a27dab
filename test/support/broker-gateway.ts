import type { TestContext } from 'node:test'
import type { BrokerConfig } from '../../src/config/config.ts'
import { type Browser, createBrowser } from '../environment/browser.ts'
import { holmes } from '../environment/mock-entra/directory.ts'
import {
  type Gateway,
  type GatewayOptions,
  registeredConfig,
  startEntra,
  startGateway,
} from './gateway.ts'
import { scope } from './relay-gateway.ts'

/** A rolecall in mode broker over a mock Entra, and a browser. */
export interface BrokerGateway {
  readonly gateway: Gateway
  readonly browser: Browser
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
      identity_provider: registeredConfig(entra, { groups_claim: 'groups' }),
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
