import type { SignInMode } from './config.ts'
import { valueAt } from './draft.ts'
import { demand, type Judgement } from './judgement.ts'
import { refuseNotBuilt } from './not-built.ts'
import type { ValueFiles } from './value-files.ts'

/** What the settings of the sign-in demand of each other and of the rest. */
export function judgeSignIn(judgement: Judgement, _files: ValueFiles): void {
  warnWithoutEffect(judgement)
  judgeClients(judgement)
  refuseNotBuilt(judgement)
}

const signInCredentials = [
  'client_secret',
  'client_secret_file',
  'client_certificate_file',
  'client_key_file',
  'federated_token_file',
  'client_secret_method',
]

interface Idle {
  readonly table: 'sign_in' | 'store' | 'identity_provider'
  /** Whether a key of the table has no effect. */
  readonly key: (key: string) => boolean
}

const ofBroker = ['registration', 'client_metadata_hosts', 'consent', 'issuer_parameter', 'client']

/** What has no effect in a mode. */
const idle: Readonly<Record<SignInMode, readonly Idle[]>> = {
  broker: [],
  relay: [
    { table: 'sign_in', key: (key) => ofBroker.includes(key) },
    { table: 'identity_provider', key: (key) => key === 'authorize_parameters' },
  ],
  off: [
    { table: 'sign_in', key: (key) => key !== 'mode' },
    { table: 'store', key: () => true },
    {
      table: 'identity_provider',
      key: (key) => [...signInCredentials, 'authorize_parameters'].includes(key),
    },
  ],
}

const whyIdle: Readonly<Record<SignInMode, string>> = {
  broker: '',
  relay: 'Remove it: clients register and sign in at the identity provider itself.',
  off: 'Remove it; it is for modes in which rolecall signs people in.',
}

function warnWithoutEffect({ draft, report, mode }: Judgement): void {
  for (const { table, key: isIdle } of idle[mode]) {
    for (const key of Object.keys(draft.root[table] ?? {})) {
      const empty = JSON.stringify(valueAt(draft.root, [table, key])).length === 2
      if (!isIdle(key) || empty || report.isWrong([table, key])) continue
      report.warn(draft, [table, key], `has no effect with sign_in.mode = "${mode}"`, whyIdle[mode])
    }
  }
}

function judgeClients(judgement: Judgement): void {
  const { settings, draft, report } = judgement
  const seen = new Set<string>()
  for (const [index, client] of settings.sign_in.client.entries()) {
    const path = ['sign_in', 'client', index]
    demand(judgement, [...path, 'client_id'], client.client_id, 'Write the id the client uses.')
    const uris = client.redirect_uris.length === 0 ? undefined : client.redirect_uris
    demand(judgement, [...path, 'redirect_uris'], uris, 'Write presets or exact URIs.')
    if (client.client_id !== undefined && seen.has(client.client_id)) {
      report.wrong(draft, [...path, 'client_id'], 'is there twice', 'Give every client its own id.')
    }
    seen.add(client.client_id ?? '')
    if (!client.skip_consent || client.redirect_uris.every((uri) => uri.startsWith('https:')))
      continue
    report.wrong(
      draft,
      [...path, 'skip_consent'],
      'needs exact https redirect URIs',
      'Write the exact URIs, or leave the consent page.',
    )
  }
}
