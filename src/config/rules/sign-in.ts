import { isLoopbackHost } from '../../net/loopback.ts'
import { kindOfProvider } from '../provider/identity-provider.ts'
import type { Settings } from '../schema/schema.ts'
import type { Path } from '../sources/draft.ts'
import { isEncryptedOrLoopback, redirectPresets } from '../urls/url.ts'
import { publicUrl } from './edge.ts'
import { offlineAccess, requestScopes } from './request-scopes.ts'
import { demand, type RuleInput } from './rule.ts'
import { warnWithoutEffect } from './without-effect.ts'

/** What the settings of the sign-in demand of each other and of the rest. */
export function judgeSignIn(input: RuleInput): void {
  warnWithoutEffect(input)
  if (input.mode === 'off') warnNoSignIn(input)
  judgeClients(input)
  if (input.mode !== 'off') {
    judgeOwnClient(input)
    judgeSealingKeys(input)
    judgeRedirectUris(input)
    judgePopupOrigins(input)
    for (const rule of resourceRules) rule(input)
  }
}

/** Entra registers no clients by itself and refuses the `resource` that MCP clients must send. */
function warnNoSignIn(input: RuleInput): void {
  const { draft, report } = input
  const path = ['sign_in', 'mode']
  if (kindOfProvider(input) !== 'entra' || report.isWrong(path)) return
  report.warn(
    draft,
    path,
    'is "off", and no MCP client can sign in with Entra ID by itself: Entra registers no clients and refuses the `resource` that they send (AADSTS9010010). Only clients that already hold a token can call',
    `For sign-in by rolecall write three lines: ${BROKER_LINES}. For HolmesGPT also mode = "relay" in [sign_in].`,
  )
}

/** What makes mode broker of mode off. */
const BROKER_LINES =
  'client_id = "<application id>" and client_secret_file = "<file>" in [identity_provider], and sealing_keys_file = "<file of rolecall keygen>" at the top'

function judgeOwnClient(input: RuleInput): void {
  demand(
    input,
    ['identity_provider', 'client_id'],
    input.settings.identity_provider.client_id,
    `Write the client id that rolecall has at the identity provider (Entra: App registrations > your app > Overview, Application (client) ID): sign_in.mode = "${input.mode}" signs users in with it.`,
  )
}

function judgeSealingKeys(input: RuleInput): void {
  const { settings, draft, report, mode } = input
  const paths = [['sealing_keys'], ['sealing_keys_file']]
  const given = settings.sealing_keys !== undefined && settings.sealing_keys.length > 0
  const url = publicUrl(input)
  if (given || url === undefined || paths.some((path) => report.isWrong(path))) return
  const remedy =
    'Run `rolecall keygen > FILE`, keep the file as a secret, and write sealing_keys_file = "FILE".'
  if (isLoopbackHost(new URL(url).hostname)) {
    const message =
      'is not set: keys are made at start, and every sign-in ends when rolecall restarts'
    report.warn(draft, ['sealing_keys'], message, remedy)
  } else {
    const message = `is required with sign_in.mode = "${mode}" and a public_url off loopback`
    report.wrong(draft, ['sealing_keys'], message, remedy)
  }
}

function judgeRedirectUris(input: RuleInput): void {
  const { redirect_uris: uris } = input.settings.sign_in
  demand(
    input,
    ['sign_in', 'redirect_uris'],
    uris.length === 0 ? undefined : uris,
    `Write where clients may be sent back to: presets (${redirectPresets.join(', ')}) or exact URIs. HolmesGPT with the Robusta UI: ["robusta"].`,
  )
  refuseOwnOrigin(input, ['sign_in', 'redirect_uris'], uris)
}

/** Codes are posted there: over plain http an attacker on the network path can replace that page. */
function judgePopupOrigins({ settings, draft, report }: RuleInput): void {
  for (const [index, origin] of settings.sign_in.popup_origins.entries()) {
    if (isEncryptedOrLoopback(origin)) continue
    report.wrong(
      draft,
      ['sign_in', 'popup_origins', index],
      'is plain http off loopback',
      `Write "${origin.replace(/^http:/, 'https:')}", and serve the web UI there.`,
    )
  }
}

/** A code that is redirected to ourselves reaches no client, and lies in our address bar and log. */
function refuseOwnOrigin(input: RuleInput, path: Path, uris: readonly string[]): void {
  const url = publicUrl(input)
  for (const [index, uri] of uris.entries()) {
    const foreign = redirectPresets.includes(uri) || new URL(uri).origin !== url
    if (foreign) continue
    input.report.wrong(
      input.draft,
      [...path, index],
      'is on the origin of public_url, which is no client',
      'Write the callback URL of the client.',
    )
  }
}

/** What our own page is called at the authorize endpoint. */
const OWN_PAGE = 'rolecall'

function judgeClients(input: RuleInput): void {
  const { settings, draft, report } = input
  const seen = new Set<string>()
  for (const [index, client] of settings.sign_in.client.entries()) {
    const path = ['sign_in', 'client', index]
    demand(input, [...path, 'client_id'], client.client_id, 'Write the id the client uses.')
    const uris = client.redirect_uris.length === 0 ? undefined : client.redirect_uris
    demand(input, [...path, 'redirect_uris'], uris, 'Write presets or exact URIs.')
    refuseOwnOrigin(input, [...path, 'redirect_uris'], client.redirect_uris)
    if (client.client_id !== undefined && seen.has(client.client_id)) {
      report.wrong(draft, [...path, 'client_id'], 'is there twice', 'Give every client its own id.')
    }
    if (client.client_id === OWN_PAGE || client.client_id?.startsWith(`${OWN_PAGE}:`)) {
      const message = 'is reserved for the pages of rolecall itself'
      report.wrong(draft, [...path, 'client_id'], message, 'Give the client another id.')
    }
    seen.add(client.client_id ?? '')
    if (client.skip_consent) judgeSkippedConsent(input, client, [...path, 'skip_consent'])
  }
}

/** Against a mixed-up client: without a page of ours nobody sees for whom a code is made. */
function judgeSkippedConsent({ draft, report, mode }: RuleInput, client: Client, path: Path): void {
  if (client.redirect_uris.some((uri) => !uri.startsWith('https:'))) {
    const remedy = 'Write the exact URIs, or leave the consent page.'
    report.wrong(draft, path, 'needs exact https redirect URIs', remedy)
    return
  }
  if (mode !== 'broker') return
  report.warn(
    draft,
    path,
    'is on: any web page can make the browser of a signed-in user fetch a code for this client, without a click and without a page that names the client; a client that mixes up sign-ins (no check of state or iss) then works with the session of another user',
    'Turn it off, or make sure that the client binds every sign-in to its own browser session by state, checks iss, and uses PKCE.',
  )
}

/** Refresh tokens come only when they are asked for; Entra is asked without being told. */
function warnShortSignIns(input: RuleInput): void {
  const { settings, draft, report } = input
  for (const [index, resource] of settings.resource.entries()) {
    const scopes = requestScopes(input, resource)
    if (scopes.includes(offlineAccess)) continue
    const wanted = [...scopes, offlineAccess].map((scope) => `"${scope}"`).join(', ')
    report.warn(
      draft,
      ['resource', index, 'request_scopes'],
      `lacks "${offlineAccess}": users must sign in again whenever a token expires`,
      `Write request_scopes = [${wanted}], and allow it to the client at the provider.`,
    )
  }
}

/** A token that rolecall redeems is judged like any other. */
function warnOwnTokensRefused({ settings, draft, report }: RuleInput): void {
  const own = settings.identity_provider.client_id
  for (const [index, { allowed_clients: allowed }] of settings.resource.entries()) {
    const any = allowed.length === 0 || allowed.includes('*')
    if (own === undefined || any || allowed.includes(own)) continue
    report.warnAll(
      draft,
      ['resource', index, 'allowed_clients'],
      'does not name the client_id: no user can sign in for this resource',
      `Add "${own}".`,
    )
  }
}

/** HolmesGPT keeps tokens by user and authorization URL, and relay has one such URL. */
function warnUnlike(input: RuleInput): void {
  const { settings, draft, report, mode } = input
  const [first, ...others] = settings.resource
  if (mode !== 'relay' || first === undefined) return
  const terms = [
    ['audiences', ({ audiences }: Resource) => audiences],
    ['request_scopes', (resource: Resource) => requestScopes(input, resource)],
  ] as const
  for (const [index, other] of others.entries()) {
    const unlike = terms.find(([, of]) => !haveSame(of(first), of(other)))
    if (unlike === undefined) continue
    report.warn(
      draft,
      ['resource', index + 1, unlike[0]],
      `differs from that of resource[0]: in relay all resources share one authorization URL, and HolmesGPT keeps one token per user and authorization URL, so that signing in to one resource signs out of the other`,
      'Run one rolecall for each audience.',
    )
  }
}

type Resource = Settings['resource'][number]
type Client = Settings['sign_in']['client'][number]

function haveSame(one: readonly string[], other: readonly string[]): boolean {
  const sorted = (texts: readonly string[]) => [...new Set(texts)].toSorted().join('\n')
  return sorted(one) === sorted(other)
}

const resourceRules = [warnShortSignIns, warnOwnTokensRefused, warnUnlike]
