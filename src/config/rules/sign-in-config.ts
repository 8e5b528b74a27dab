import type { RegisteredClient, SignInConfig, SignInMode } from '../config.ts'
import type { Report } from '../report/report.ts'
import type { Settings } from '../schema/schema.ts'

/** The mode that applies: as written, else as a `client_id` tells it; `off` where it is wrong. */
export function signInMode(settings: Settings, report: Report): SignInMode {
  if (report.isWrong(['sign_in', 'mode'])) return 'off'
  const byDefault = settings.identity_provider.client_id === undefined ? 'off' : 'broker'
  return settings.sign_in.mode ?? byDefault
}

/** What `[sign_in]` amounts to in a mode; settings without effect there are left out. */
export function signInConfig({ sign_in: written }: Settings, mode: SignInMode): SignInConfig {
  if (mode === 'off') return { mode }
  const { sessions_valid_after: validAfter } = written
  const common = {
    redirect_uris: written.redirect_uris,
    tokens: written.tokens ?? (mode === 'broker' ? 'sealed' : 'passthrough'),
    popup_origins: written.popup_origins,
    session_lifetime: written.session_lifetime,
    ...(validAfter !== undefined && { sessions_valid_after: validAfter }),
  }
  if (mode === 'relay') return { mode, ...common }
  return {
    mode,
    ...common,
    registration: written.registration,
    client_metadata_hosts: written.client_metadata_hosts,
    consent: written.consent,
    issuer_parameter: written.issuer_parameter,
    clients: written.client.map(registeredClient),
  }
}

function registeredClient(client: Settings['sign_in']['client'][number]): RegisteredClient {
  return {
    client_id: client.client_id ?? '',
    redirect_uris: client.redirect_uris,
    ...(client.client_secret !== undefined && { client_secret: client.client_secret }),
    skip_consent: client.skip_consent,
  }
}
