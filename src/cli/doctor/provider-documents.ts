import type { Config, IdentityProviderConfig } from '../../config/config.ts'
import type { IssuerEvent } from '../../issuer/issuer-event.ts'
import type { DocumentFailure } from '../../net/document-error.ts'
import { text } from '../../oauth/claims.ts'
import { printable } from '../../oauth/printable.ts'
import { asSentence } from '../../oauth/provider-explanation.ts'
import type { ExaminedProvider } from './provider.ts'
import { type CheckName, consequenceOf, type DoctorCheck, type Finding } from './report.ts'

const MOST_ALGORITHMS = 10

/** What is to be said of the provider's two documents. */
export function documentChecks(examined: ExaminedProvider, config: Config): readonly DoctorCheck[] {
  return [
    { name: 'discovery', ...discoveryFinding(examined, config.identity_provider) },
    ...cloudCheck(examined, config.identity_provider),
    ...algorithmsCheck(examined, config),
    ...issuersCheck(examined, config),
    { name: 'keys', ...keysFinding(examined) },
  ]
}

/** Whether nothing that needs discovery can be asked. */
export function isDiscovered({ provider }: ExaminedProvider): boolean {
  return provider.status().discoveryFetchedAt !== undefined
}

function discoveryFinding(examined: ExaminedProvider, config: IdentityProviderConfig): Finding {
  const { provider, events } = examined
  const url = provider.profile.discoveryUrl
  const failure = failureOf(events, 'discovery')
  if (failure?.reason === 'wrong_issuer') return wrongIssuer(examined, config)
  if (failure) return failedFetch(failure, examined)
  if (!isDiscovered(examined)) return tooSlow(url)
  return { verdict: 'ok', sentence: `${url} names issuer ${provider.metadataIssuer()}.` }
}

/** The document's issuer is public, and what the setting has to be. */
function wrongIssuer(
  { provider, heard }: ExaminedProvider,
  config: IdentityProviderConfig,
): Finding {
  const named = printable(text(heard.discovery ?? {}, 'issuer') ?? '', 300)
  const { configuredIssuer: expected, discoveryUrl: url } = provider.profile
  const difference = differenceOf(named, expected)
  if (isSchemeAlone(named, expected)) {
    return {
      verdict: 'failed',
      sentence: `${url} names issuer ${named}, not ${expected}: the provider does not know that users reach it by https.`,
      remedy:
        'Tell the provider the name that users see (Keycloak: --hostname https://… and --proxy-headers xforwarded), or let the proxy in front of it send X-Forwarded-Proto.',
    }
  }
  return {
    verdict: 'failed',
    sentence: `${url} names issuer ${named}, not ${expected}${difference}.`,
    remedy:
      config.kind === 'oidc'
        ? `Write issuer = "${named}" in [identity_provider], if that is the provider's own name: tokens are from there, character by character.`
        : 'Correct tenant_id and cloud of [identity_provider], and authority, if it is set.',
  }
}

function differenceOf(one: string, other: string): string {
  const bare = (issuer: string) => issuer.replace(/\/$/, '')
  if (bare(one) === bare(other)) return ', which differs by the slash at the end'
  if (bare(one).toLowerCase() === bare(other).toLowerCase()) return ', which differs by capitals'
  return ''
}

/** A proxy that ends TLS, and a provider that was not told of it. */
function isSchemeAlone(named: string, expected: string): boolean {
  return named.startsWith('http:') && named.replace(/^http:/, 'https:') === expected
}

/** Entra's clouds as their documents name them. */
const cloudNames: Readonly<Record<string, string>> = {
  'microsoftonline.com': 'public',
  'microsoftonline.us': 'usgov',
  'partner.microsoftonline.cn': 'china',
}

/** Told only where it is wrong: a tenant of one cloud answers at the host of another, too. */
function cloudCheck(
  { heard }: ExaminedProvider,
  config: IdentityProviderConfig,
): readonly DoctorCheck[] {
  if (config.kind !== 'entra') return []
  const name = text(heard.discovery ?? {}, 'cloud_instance_name') ?? ''
  const cloud = cloudNames[name]
  if (cloud === undefined || cloud === config.cloud) return []
  return [
    {
      name: 'cloud',
      verdict: 'failed',
      sentence: `The tenant is in the cloud ${name}, and cloud is "${config.cloud}": its tokens are from other issuers.`,
      remedy: `Write cloud = "${cloud}" in [identity_provider].`,
    },
  ]
}

/** Told only where it is wrong: access tokens come from another issuer than the document's (AD FS). */
function issuersCheck({ provider }: ExaminedProvider, config: Config): readonly DoctorCheck[] {
  const named = provider.accessTokenIssuer()
  if (named === undefined) return []
  const unnamed = config.resources.filter(
    ({ token_kind: kind, token_issuers: issuers = provider.tokenIssuers() }) =>
      kind === 'access_token' && !issuers.includes(named),
  )
  if (unnamed.length === 0) return []
  const shown = printable(named)
  const sentence = `The provider says that access tokens are from ${shown}, which resource ${unnamed.map(({ name }) => name).join(', ')} does not take.`
  const remedy = `Write token_issuers = ["${shown}"] there, if that is the provider's own name.`
  return [{ name: 'token issuers', verdict: 'warning', sentence, remedy }]
}

/** Told only where it is wrong: what the provider says it signs with is none of what is taken. */
function algorithmsCheck({ provider }: ExaminedProvider, config: Config): readonly DoctorCheck[] {
  const { signing_algorithms: taken } = config.identity_provider
  const offered = provider.offeredAlgorithms()
  if (offered.length === 0 || offered.some((one) => taken.some((it) => it === one))) return []
  // Without a key that fits, the key set tells the same, and more.
  if (provider.status().keyCount === 0) return []
  const shown = offered.slice(0, MOST_ALGORITHMS).map((one) => printable(one, 20))
  const sentence = `The provider offers ${shown.join(', ')}, and signing_algorithms takes ${taken.join(', ')}.`
  return [{ name: 'algorithms', verdict: 'warning', sentence, remedy: algorithmsRemedy }]
}

const algorithmsRemedy =
  'Let the provider sign tokens with one that is taken, or list what it signs with in signing_algorithms of [identity_provider]; the API server has a list of its own (RS256 by default).'

function keysFinding(examined: ExaminedProvider): Finding {
  if (!isDiscovered(examined)) return consequenceOf('discovery')
  const { provider, events } = examined
  const failure = failureOf(events, 'keys')
  if (failure) return failedFetch(failure, examined)
  const { keyCount, algorithms } = provider.status()
  if (keyCount === 0) return tooSlow('the key set')
  return { verdict: 'ok', sentence: `${keyCount} usable, for ${algorithms.join(', ')}.` }
}

type Failure = Extract<IssuerEvent, { kind: 'fetch_failed' }>

function failureOf(
  events: readonly IssuerEvent[],
  document: Failure['document'],
): Failure | undefined {
  return events.find(
    (event): event is Failure => event.kind === 'fetch_failed' && event.document === document,
  )
}

const reach =
  'Check that this machine can reach it (DNS, network policies, HTTPS_PROXY and NO_PROXY), then run doctor again.'

const remedies: Readonly<Partial<Record<DocumentFailure, string>>> = {
  timeout: reach,
  unreachable: reach,
  stopped: reach,
  proxy_refused: 'Let the proxy in HTTPS_PROXY connect to it, or name its host in NO_PROXY.',
  untrusted_certificate:
    'Name the authority of its certificate in certificate_authority_file of [identity_provider].',
  mock_marker: 'Configure the real identity provider, or a loopback public_url for a try.',
  no_usable_key: algorithmsRemedy,
}

const wrongAddress =
  'Check that issuer, or tenant_id and authority, name the provider itself; a discovery document elsewhere goes into discovery_url.'

function failedFetch({ reason, message }: Failure, { heard }: ExaminedProvider): Finding {
  const { away, page, explanation } = heard
  if (explanation) return { verdict: 'failed', ...explanationWords(explanation) }
  const isAway = away || remedies[reason] === reach || reason === 'proxy_refused'
  const what = page && !away ? ', but a web page' : ''
  return {
    verdict: isAway ? 'not reached' : 'failed',
    sentence: `${message}${what}.`,
    remedy: remedies[reason] ?? (away ? reach : wrongAddress),
  }
}

/** An explanation of the provider's error as a finding has it. */
export function explanationWords({
  code,
  what,
  remedy,
}: {
  readonly code?: string
  readonly what: string
  readonly remedy: string
}): Pick<Finding, 'sentence'> & { readonly remedy: string } {
  const number = code === undefined ? '' : ` (${code})`
  return {
    sentence: `${what.replace(/\.$/, '')}${number}.`,
    remedy: asSentence(remedy),
  }
}

function tooSlow(what: string): Finding {
  return { verdict: 'not reached', sentence: `${what} did not arrive in time.`, remedy: reach }
}

/** What is said where the provider is away or wrong, of everything that needs it. */
export function needsDiscovery(name: CheckName): DoctorCheck {
  return { name, ...consequenceOf('discovery') }
}
