import { addressesClash, isLoopbackHost } from './address.ts'
import type { Config } from './config.ts'
import { valueAt } from './draft.ts'
import { demand, type Judgement, warnSwitch } from './judgement.ts'
import { isTrustedTransport } from './url.ts'

/** What the settings of the edge demand of each other. */
export function judgeEdge(judgement: Judgement): void {
  const { settings, draft, report } = judgement
  const url = publicUrl(judgement)
  demand(
    judgement,
    ['public_url'],
    url,
    'Write the origin that clients use, such as "https://mcp.example.com": `listen` is not on loopback with a fixed port, so that it cannot be guessed.',
  )
  if (url !== undefined && !isTrustedTransport(url)) {
    report.wrong(
      draft,
      ['public_url'],
      'is plain http to a public name',
      'Write https: tokens come in over it. Plain http is for loopback and cluster-internal names (a single label, *.svc, *.cluster.local).',
    )
  }
  if (addressesClash(settings.listen, settings.admin_listen)) {
    report.wrong(
      draft,
      ['admin_listen'],
      'is the address of `listen`',
      'Give it another port: metrics and health are not for clients.',
    )
  }
  for (const [index, network] of settings.trusted_proxies.entries()) {
    if (!network.endsWith('/0')) continue
    const path = ['trusted_proxies', index]
    report.warn(draft, path, 'is everybody', 'Name the networks of your proxies.')
  }
  warnSwitch(judgement, ['unsafe_any_origin'], settings.unsafe_any_origin, 'every web page may ask')
}

/** Our origin, as configured or from a loopback `listen`. */
export function publicUrl({ settings, report }: Judgement): string | undefined {
  const { listen, public_url: configured } = settings
  if (configured !== undefined || report.isWrong(['public_url'])) return configured
  if (!isLoopbackHost(listen.host) || listen.port === 0) return undefined
  const scheme = settings.tls_certificate_file === undefined ? 'http' : 'https'
  return new URL(`${scheme}://localhost:${listen.port}`).origin
}

/** The mode that applies, and whether it is one that this version has. */
export function judgeSignIn(judgement: Judgement): Config['sign_in'] {
  const { settings, draft, report } = judgement
  const byDefault = settings.identity_provider.client_id === undefined ? 'off' : 'broker'
  const mode = settings.sign_in.mode ?? byDefault
  if (mode === 'off') {
    warnWithoutEffect(judgement)
  } else if (!report.isWrong(['sign_in', 'mode'])) {
    const why = settings.sign_in.mode === undefined ? ' (the default with a client_id)' : ''
    report.wrong(
      draft,
      ['sign_in', 'mode'],
      `is "${mode}"${why}, which is not built in this version`,
      'Write sign_in.mode = "off": rolecall then validates tokens and forwards, and clients sign in at the identity provider themselves.',
    )
  }
  judgeClients(judgement)
  return { mode: 'off' }
}

const signInCredentials = [
  'client_secret',
  'client_secret_file',
  'client_certificate_file',
  'client_key_file',
  'federated_token_file',
  'client_secret_method',
  'authorize_parameters',
]

function warnWithoutEffect({ draft, report }: Judgement): void {
  for (const table of ['sign_in', 'store', 'identity_provider']) {
    for (const key of Object.keys(draft.root[table] ?? {})) {
      const idle = table === 'identity_provider' ? signInCredentials.includes(key) : key !== 'mode'
      const empty = JSON.stringify(valueAt(draft.root, [table, key])).length === 2
      if (!idle || empty || report.isWrong([table, key])) continue
      report.warn(
        draft,
        [table, key],
        'has no effect with sign_in.mode = "off"',
        'Remove it; it is for modes in which rolecall signs people in.',
      )
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
