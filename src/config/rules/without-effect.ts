import type { SignInMode } from '../config.ts'
import { isBrokerOnly } from '../schema/sign-in.ts'
import { valueAt } from '../sources/draft.ts'
import type { RuleInput } from './rule.ts'

interface Idle {
  readonly table: 'sign_in' | 'store' | 'identity_provider' | 'limits'
  /** Whether a key of the table has no effect. */
  readonly holds: (key: string) => boolean
}

const ofSignIn = [
  'client_secret',
  'client_secret_file',
  'client_certificate_file',
  'client_key_file',
  'federated_token_file',
  'client_secret_method',
  'authorize_parameters',
  'resolve_groups',
]
const limitsOfSignIn = ['registrations_per_minute', 'sign_ins_per_minute']

const idle: Readonly<Record<SignInMode, readonly Idle[]>> = {
  broker: [],
  relay: [
    { table: 'sign_in', holds: isBrokerOnly },
    { table: 'identity_provider', holds: (key) => key === 'authorize_parameters' },
    { table: 'limits', holds: (key) => key === 'registrations_per_minute' },
  ],
  off: [
    { table: 'sign_in', holds: (key) => key !== 'mode' },
    { table: 'store', holds: () => true },
    { table: 'identity_provider', holds: (key) => ofSignIn.includes(key) },
    { table: 'limits', holds: (key) => limitsOfSignIn.includes(key) },
  ],
}

const remedies: Readonly<Record<SignInMode, string>> = {
  broker: 'Remove it.',
  relay: 'Remove it; in relay the browser goes to the identity provider itself.',
  off: 'Remove it; it is for the modes broker and relay, in which rolecall signs users in.',
}

/** Warns of what is written and has no effect in the mode that applies. */
export function warnWithoutEffect({ draft, report, mode }: RuleInput): void {
  for (const { table, holds } of idle[mode]) {
    for (const key of Object.keys(draft.root[table] ?? {})) {
      const path = [table, key]
      const empty = JSON.stringify(valueAt(draft.root, path)).length === 2
      if (!holds(key) || empty || report.isWrong(path)) continue
      report.warn(draft, path, `has no effect with sign_in.mode = "${mode}"`, remedies[mode])
    }
  }
}
