import type { TestContext } from 'node:test'
import type { BrokerConfig, SignInConfig } from '../../src/config/config.ts'
import type { Gateway, GatewayOptions } from './gateway.ts'
import { sealingKey } from './handed-out.ts'
import { startRelay } from './relay-gateway.ts'

export const MODES = ['off', 'relay', 'broker'] as const

/** Mode broker with the defaults of the configuration. */
export const broker: BrokerConfig = {
  mode: 'broker',
  redirect_uris: ['loopback'],
  tokens: 'sealed',
  popup_origins: [],
  session_lifetime: 86_400_000,
  registration: true,
  client_metadata_hosts: [],
  consent: 'ask',
  issuer_parameter: true,
  clients: [],
}

/** A rolecall in a mode, with the app registration of the documentation page. */
export function startInMode(
  t: TestContext,
  mode: SignInConfig['mode'] | BrokerConfig,
  options: Partial<GatewayOptions> = {},
): Promise<Gateway> {
  const config = { sealing_keys: [sealingKey], ...options.config, ...signIn(mode) }
  return startRelay(t, { ...options, config })
}

function signIn(mode: SignInConfig['mode'] | BrokerConfig): { readonly sign_in?: SignInConfig } {
  if (typeof mode !== 'string') return { sign_in: mode }
  if (mode === 'relay') return {}
  return { sign_in: mode === 'off' ? { mode } : broker }
}
