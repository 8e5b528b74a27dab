import { type Clock, systemClock } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import { explainProviderError } from '../../issuer/errors/entra-errors.ts'
import type { IdentityProvider } from '../../issuer/identity-provider.ts'
import type { IssuerEvent } from '../../issuer/issuer-event.ts'
import { providerFetchOptions } from '../../issuer/provider-connection.ts'
import {
  type BoundedConnection,
  type BoundedFetch,
  createBoundedFetch,
} from '../../net/bounded-fetch.ts'
import { text } from '../../oauth/claims.ts'
import { type JsonObject, parseObject } from '../../oauth/json.ts'
import type { ProviderExplanation } from '../../oauth/provider-explanation.ts'
import { providerWithKeys } from '../provider-keys.ts'
import { consequenceOf, type DoctorCheck } from './report.ts'

/** The identity provider, asked once, and what its answers showed on the way. */
export interface ExaminedProvider {
  readonly provider: IdentityProvider
  readonly events: readonly IssuerEvent[]
  readonly heard: Heard
  close(): void
}

/** What answers of the provider told beside what is made of them. */
export interface Heard {
  /** An answer of 500 or more was among them. */
  readonly away: boolean
  /** The discovery document, as it came. */
  readonly discovery?: JsonObject
  /** A web page came in place of a document. */
  readonly page?: boolean
  /** Why the provider refused a document, in our words. */
  readonly explanation?: ProviderExplanation
  /** How far its clock is ahead of ours, milliseconds. */
  readonly clockOffset?: number
}

/** Two documents, 5 s each, and a moment. */
const PATIENCE_MS = 11_000

/** Fetches discovery and keys once, by the code of `serve`, and listens on the way. */
export async function examineProvider(config: Config): Promise<ExaminedProvider> {
  const connection: BoundedConnection = createBoundedFetch(
    providerFetchOptions(config.identity_provider, systemClock),
  )
  const heard: Mutable<Heard> = { away: false }
  const events: IssuerEvent[] = []
  const provider = await providerWithKeys(config, {
    patience: PATIENCE_MS,
    once: true,
    fetch: listening(connection.fetch, heard, systemClock),
    onEvent: (event) => void events.push(event),
  })
  return {
    provider,
    events,
    // What the token endpoint says later, by the same connection, is of another matter.
    heard: { ...heard },
    close() {
      provider.stop()
      connection.close()
    },
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function listening(fetch: BoundedFetch, heard: Mutable<Heard>, clock: Clock): BoundedFetch {
  return async (url, init) => {
    const began = clock.now()
    const response = await fetch(url, init)
    const offset = clockOffset(response, (began + clock.now()) / 2)
    if (offset !== undefined) heard.clockOffset ??= offset
    await listen(response, heard)
    return response
  }
}

/** @param now when the answer was made by our clock, about, in milliseconds */
function clockOffset({ headers }: Response, now: number): number | undefined {
  const date = Date.parse(headers.get('date') ?? '')
  // A cached answer has the date at which it was made (RFC 9110 §6.6.1, RFC 9111 §5.1).
  const age = Number(headers.get('age') ?? 0)
  return Number.isNaN(date) || age !== 0 ? undefined : date - now
}

async function listen(response: Response, heard: Mutable<Heard>): Promise<void> {
  const { status, headers } = response
  if (status >= 500) heard.away = true
  if (headers.get('content-type')?.toLowerCase().startsWith('text/html')) heard.page = true
  const body = parseObject(await response.clone().text())
  if (body === undefined) return
  if (status === 200) {
    if ('issuer' in body) heard.discovery ??= body
    return
  }
  const explanation = explained(body)
  if (explanation) heard.explanation ??= explanation
}

/** Entra says at discovery, too, what is wrong with a tenant. */
function explained(body: JsonObject): ProviderExplanation | undefined {
  const description = text(body, 'error_description') ?? ''
  const explanation = explainProviderError({
    error: text(body, 'error') ?? '',
    codes: [],
    description,
  })
  return explanation.code === undefined ? undefined : explanation
}

/** An `nbf` has 30 s of leeway, and an hour's token that ends a minute early is felt. */
const TOLERATED_SECONDS = 30
const BROKEN_SECONDS = 60

/**
 * @param offset how far the provider's clock is ahead of ours, milliseconds; absent: no answer said
 * @param discovered whether there was an answer at all
 */
export function clockCheck(offset: number | undefined, discovered: boolean): DoctorCheck {
  const name = 'clock'
  if (offset === undefined) {
    if (!discovered) return { name, ...consequenceOf('discovery') }
    const sentence = "The identity provider's answers have no date to compare it with."
    return { name, verdict: 'warning', sentence, remedy: 'See that this machine has NTP.' }
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
