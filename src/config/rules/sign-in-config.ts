import type { RegisteredClient, RelayConfig, SignInConfig, SignInMode } from '../config.ts'
import type { Report } from '../report/report.ts'
import type { Settings } from '../schema/schema.ts'
import { isBrokerOnly } from '../schema/sign-in.ts'
import { type Values, valuesOf } from '../values.ts'

/** The mode that applies: as written, else as a `client_id` tells it; `off` where it is wrong. */
export function signInMode(settings: Settings, report: Report): SignInMode {
  if (report.isWrong(['sign_in', 'mode'])) return 'off'
  const byDefault = settings.identity_provider.client_id === undefined ? 'off' : 'broker'
  return settings.sign_in.mode ?? byDefault
}

/** What `[sign_in]` amounts to in a mode; settings without effect there are left out. */
export function signInConfig({ sign_in: written }: Settings, mode: SignInMode): SignInConfig {
  if (mode === 'off') return { mode }
  const { client: clients, ...rest } = valuesOf(written)
  const tokens = written.tokens ?? (mode === 'broker' ? 'sealed' : 'passthrough')
  if (mode === 'broker') {
    return { ...rest, mode, tokens, clients: clients.map(registeredClient) }
  }
  const relevant = Object.entries(rest).filter(([key]) => !isBrokerOnly(key))
  return { ...(Object.fromEntries(relevant) as RelayValues), mode, tokens }
}

type RelayValues = Omit<RelayConfig, 'mode' | 'tokens'>

function registeredClient(client: Values<Settings['sign_in']>['client'][number]): RegisteredClient {
  return { ...valuesOf(client), client_id: client.client_id ?? '' }
}
