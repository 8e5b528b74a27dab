import { type Clock, systemClock } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import type { IdentityProvider } from '../../issuer/identity-provider.ts'
import type { IssuerEvent } from '../../issuer/issuer-event.ts'
import { providerFetchOptions } from '../../issuer/provider-connection.ts'
import {
  type BoundedConnection,
  type BoundedFetch,
  createBoundedFetch,
} from '../../net/bounded-fetch.ts'
import type { DocumentFailure } from '../../net/document-error.ts'
import { printable } from '../../oauth/printable.ts'
import { providerWithKeys } from '../provider-keys.ts'
import type { DoctorCheck } from './report.ts'

/** The identity provider, asked once, and what is to be said about it. */
export interface ExaminedProvider {
  readonly provider: IdentityProvider
  readonly checks: readonly DoctorCheck[]
  close(): void
}

const MOST_ALGORITHMS = 10
/** Two documents, 5 s each, and a moment. */
const PATIENCE_MS = 11_000

/** Fetches discovery and keys once, by the code of `serve`, and compares the clocks on the way. */
export async function examineProvider(config: Config): Promise<ExaminedProvider> {
  const connection: BoundedConnection = createBoundedFetch(
    providerFetchOptions(config.identity_provider, systemClock),
  )
  const heard: Heard = { statuses: [] }
  const events: IssuerEvent[] = []
  const provider = await providerWithKeys(config, {
    patience: PATIENCE_MS,
    once: true,
    fetch: listening(connection.fetch, heard, systemClock),
    onEvent: (event) => void events.push(event),
  })
  const away = heard.statuses.some((status) => status >= 500)
  return {
    provider,
    checks: [
      discoveryCheck(provider, events, away),
      ...algorithmsCheck(provider, config),
      ...issuersCheck(provider, config),
      keysCheck(provider, events, away),
      clockCheck(heard.offset),
    ],
    close() {
      provider.stop()
      connection.close()
    },
  }
}

/** What answers of the provider told on the way. */
interface Heard {
  readonly statuses: number[]
  /** How far its clock is ahead of ours, milliseconds. */
  offset?: number
}

function listening(fetch: BoundedFetch, heard: Heard, clock: Clock): BoundedFetch {
  return async (url, init) => {
    const began = clock.now()
    const response = await fetch(url, init)
    heard.statuses.push(response.status)
    const date = Date.parse(response.headers.get('date') ?? '')
    // A cached answer has the date at which it was made (RFC 9110 §6.6.1, RFC 9111 §5.1).
    const age = Number(response.headers.get('age') ?? 0)
    if (!Number.isNaN(date) && age === 0) heard.offset ??= date - (began + clock.now()) / 2
    return response
  }
}

function discoveryCheck(
  provider: IdentityProvider,
  events: readonly IssuerEvent[],
  away: boolean,
): DoctorCheck {
  const name = 'discovery'
  const url = provider.profile.discoveryUrl
  const failure = failureOf(events, 'discovery')
  if (failure) return failedFetch(name, failure, away)
  if (provider.status().discoveryFetchedAt === undefined) return tooSlow(name, url)
  return { name, verdict: 'ok', sentence: `${url} names issuer ${provider.metadataIssuer()}.` }
}

/** Told only where it is wrong: access tokens come from another issuer than the document's (AD FS). */
function issuersCheck(provider: IdentityProvider, config: Config): readonly DoctorCheck[] {
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
function algorithmsCheck(provider: IdentityProvider, config: Config): readonly DoctorCheck[] {
  const { signing_algorithms: taken } = config.identity_provider
  const offered = provider.offeredAlgorithms()
  if (offered.length === 0 || offered.some((one) => taken.some((it) => it === one))) return []
  const shown = offered.slice(0, MOST_ALGORITHMS).map((one) => printable(one, 20))
  const sentence = `The provider offers ${shown.join(', ')}, and signing_algorithms takes ${taken.join(', ')}.`
  return [
    {
      name: 'algorithms',
      verdict: provider.status().keyCount > 0 ? 'warning' : 'failed',
      sentence,
      remedy:
        'Let the provider sign tokens with one that is taken, or list what it signs with in signing_algorithms of [identity_provider]; the API server has a list of its own (RS256 by default).',
    },
  ]
}

function keysCheck(
  provider: IdentityProvider,
  events: readonly IssuerEvent[],
  away: boolean,
): DoctorCheck {
  const name = 'keys'
  if (provider.status().discoveryFetchedAt === undefined) {
    const sentence = 'The discovery document, which says where the keys are, could not be fetched.'
    return { name, verdict: 'not reached', sentence, remedy: 'See discovery.' }
  }
  const failure = failureOf(events, 'keys')
  if (failure) return failedFetch(name, failure, away)
  const { keyCount, algorithms } = provider.status()
  if (keyCount === 0) return tooSlow(name, 'the key set')
  return { name, verdict: 'ok', sentence: `${keyCount} usable, for ${algorithms.join(', ')}.` }
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
  wrong_issuer:
    'Set issuer of [identity_provider] to what the document names, character by character; Entra: see tenant_id, cloud and authority.',
  mock_marker: 'Configure the real identity provider, or a loopback public_url for a try.',
  no_usable_key: 'Check that signing_algorithms lists what this provider signs with.',
}

function failedFetch(name: string, { reason, message }: Failure, away: boolean): DoctorCheck {
  const isAway = away || remedies[reason] === reach || reason === 'proxy_refused'
  return {
    name,
    verdict: isAway ? 'not reached' : 'failed',
    sentence: `${message}.`,
    remedy:
      remedies[reason] ??
      (away ? reach : 'Check that issuer, or tenant_id and authority, name the provider itself.'),
  }
}

function tooSlow(name: string, what: string): DoctorCheck {
  return {
    name,
    verdict: 'not reached',
    sentence: `${what} did not arrive in time.`,
    remedy: reach,
  }
}

/** An `nbf` has 30 s of leeway, and an hour's token that ends a minute early is felt. */
const TOLERATED_SECONDS = 30
const BROKEN_SECONDS = 60

/** @param offset how far the provider's clock is ahead of ours, milliseconds */
export function clockCheck(offset: number | undefined): DoctorCheck {
  const name = 'clock'
  if (offset === undefined) {
    const sentence = 'The identity provider sent no answer with a date.'
    return { name, verdict: 'not reached', sentence, remedy: 'See discovery.' }
  }
  const seconds = Math.round(Math.abs(offset) / 1000)
  // The Date header has whole seconds, so that one of them says nothing.
  if (seconds <= 1) {
    return { name, verdict: 'ok', sentence: 'It agrees with that of the identity provider.' }
  }
  const side = offset > 0 ? 'behind' : 'ahead of'
  const sentence = `It is ${seconds} s ${side} the identity provider's.`
  if (seconds <= TOLERATED_SECONDS) return { name, verdict: 'ok', sentence }
  return {
    name,
    verdict: seconds > BROKEN_SECONDS ? 'failed' : 'warning',
    sentence,
    remedy:
      'Synchronise the clock of this machine (NTP): valid tokens look expired or not yet valid.',
  }
}
