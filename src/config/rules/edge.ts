import { isLoopbackHost } from '../../net/loopback.ts'
import { addressesClash } from '../schema/address.ts'
import { isEncryptedOrLoopback, isTrustedTransport } from '../urls/url.ts'
import { demand, type RuleInput, warnSwitch } from './rule.ts'

/** What the settings of the edge demand of each other: who can reach us, and whom we believe. */
export function judgeEdge(input: RuleInput): void {
  const { settings, draft, report } = input
  judgePublicUrl(input)
  if (addressesClash(settings.listen, settings.admin_listen)) {
    report.wrong(
      draft,
      ['admin_listen'],
      'is the address of `listen`',
      'Give it another port: metrics and health checks are not for clients.',
    )
  }
  warnLoopbackOnNetwork(input)
  for (const [index, network] of settings.trusted_proxies.entries()) {
    if (!network.endsWith('/0')) continue
    const path = ['trusted_proxies', index]
    report.warn(
      draft,
      path,
      'trusts every address: any client can forge X-Forwarded-For',
      'Name the networks of your proxies.',
    )
  }
  if (settings.unsafe_any_origin && settings.allowed_origins.length > 0) {
    const message = 'has no effect with unsafe_any_origin = true'
    report.warn(draft, ['allowed_origins'], message, 'Remove the switch, and these origins count.')
  }
  warnSwitch(
    input,
    ['unsafe_any_origin'],
    settings.unsafe_any_origin,
    'every web page can send requests from the browser of a user',
  )
}

/** On a loopback public_url any loopback origin is allowed and keys are made at start. */
function warnLoopbackOnNetwork(input: RuleInput): void {
  const { settings, draft, report } = input
  const url = publicUrl(input)
  if (url === undefined || !isLoopbackHost(new URL(url).hostname)) return
  if (isLoopbackHost(settings.listen.host)) return
  report.warn(
    draft,
    ['public_url'],
    'is on loopback, and `listen` takes connections from the network: the settings of a first try are open to others',
    'Write the URL that clients use as public_url, or listen = "127.0.0.1:8080". In a container, publish the port on loopback only.',
  )
}

function judgePublicUrl(input: RuleInput): void {
  const { draft, report, mode } = input
  const url = publicUrl(input)
  demand(
    input,
    ['public_url'],
    url,
    'Write the origin that clients use, such as "https://mcp.example.com": it cannot be derived from `listen`, which is not a fixed port on loopback.',
  )
  if (url === undefined) return
  if (!isTrustedTransport(url)) {
    report.wrong(
      draft,
      ['public_url'],
      'is plain http to a public name',
      'Write https: clients send tokens there. Plain http is for loopback and cluster-internal names (a single label, *.svc, *.cluster.local).',
    )
  } else if (mode === 'broker' && !isEncryptedOrLoopback(url)) {
    report.wrong(
      draft,
      ['public_url'],
      'is plain http off loopback, and with sign_in.mode = "broker" browsers sign in there',
      'Write https. Plain http to cluster-internal names is for sign_in.mode = "relay" and "off".',
    )
  }
}

/** Our origin, as configured or from a loopback `listen`. */
export function publicUrl({ settings, report }: RuleInput): string | undefined {
  const { listen, public_url: configured } = settings
  if (configured !== undefined || report.isWrong(['public_url'])) return configured
  if (!isLoopbackHost(listen.host) || listen.port === 0) return undefined
  const scheme = settings.tls_certificate_file === undefined ? 'http' : 'https'
  return new URL(`${scheme}://localhost:${listen.port}`).origin
}
