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
  warnShorterThanProxies(input)
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

/** What the limits demand of each other. */
export function judgeLimits({ settings, draft, report }: RuleInput): void {
  const { body_bytes: one, buffered_bytes: all } = settings.limits
  const path = ['limits', 'buffered_bytes']
  if (all >= one || report.isWrong(path) || report.isWrong(['limits', 'body_bytes'])) return
  report.wrong(
    draft,
    path,
    'is less than body_bytes: the largest body that is allowed would never fit',
    `Write ${one} or more, or a smaller body_bytes.`,
  )
}

/** What nginx waits by default, and other proxies at least. */
const SHORTEST_WAIT_MS = 60_000

/** What is in front of us has waits of its own: who waits less loses connections and streams. */
function warnShorterThanProxies(input: RuleInput): void {
  const { settings, draft, report } = input
  const url = publicUrl(input)
  if (url === undefined || isLoopbackHost(new URL(url).hostname)) return
  if (settings.keep_alive < SHORTEST_WAIT_MS) {
    report.warn(
      draft,
      ['keep_alive'],
      'is shorter than what is in front waits: a call that it sends on a connection that we just closed ends in 502',
      'Write more than the keep-alive of the ingress: "75s" is enough for nginx, "620s" for Google Cloud.',
    )
  }
  for (const [index, { stream_keep_alive: every }] of settings.resource.entries()) {
    if (every !== 0 && every < SHORTEST_WAIT_MS) continue
    report.warn(
      draft,
      ['resource', index, 'stream_keep_alive'],
      'lets an event stream be silent for longer than what is in front waits (nginx: 60 s), which then cuts it',
      'Write "25s", or raise the read time-out of everything in front (nginx: proxy-read-timeout) above it.',
    )
  }
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
