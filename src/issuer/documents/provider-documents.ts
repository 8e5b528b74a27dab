import type { Clock } from '../../clock.ts'
import type { IdentityProviderConfig } from '../../config/config.ts'
import type { BoundedFetch } from '../../net/bounded-fetch.ts'
import { DocumentError } from '../../net/document-error.ts'
import type { IssuerEvent } from '../issuer-event.ts'
import type { IssuerProfile } from '../issuer-profile.ts'
import { type KeySet, type KeySetRules, readKeySet } from '../key-set.ts'
import { type Discovered, discover } from './discovery.ts'
import { type FetchAttempt, RefreshingDocument } from './refreshing-document.ts'

const HOUR_MS = 3_600_000
/** Whatever `stale_for` says, background fetches are never closer than this. */
const SHORTEST_REFRESH_MS = 10_000

/** What the documents come from, and by which rules. */
export interface DocumentSource {
  readonly config: IdentityProviderConfig
  readonly profile: IssuerProfile
  readonly fetch: BoundedFetch
}

/** Time, who is told, and whether the mock may be used. */
export interface DocumentOptions {
  readonly clock: Clock
  /** Whether the mock identity provider's keys may be used. */
  readonly isOnLoopback: boolean
  readonly onEvent?: (event: IssuerEvent) => void
}

/** The two documents of the provider, refreshed in the background once they are started. */
export interface ProviderDocuments {
  readonly discovery: RefreshingDocument<Discovered>
  /** Begins once there is a discovery document. */
  readonly keySet: RefreshingDocument<KeySet>
  /** Milliseconds from a good fetch to the next. */
  readonly refreshEvery: number
}

/**
 * Discovery, and the key set that it names. The second is fetched as soon as there is a first.
 */
export function providerDocuments(
  { config, profile, fetch }: DocumentSource,
  { clock, onEvent = () => undefined, isOnLoopback }: DocumentOptions,
): ProviderDocuments {
  const algorithms = config.signing_algorithms
  const rules = { profile, algorithms, acceptsMock: isOnLoopback }
  const kept = {
    clock,
    staleFor: config.stale_for,
    // Twice within stale_for at least, or a healthy provider's documents would run out.
    refreshEvery: Math.max(SHORTEST_REFRESH_MS, Math.min(HOUR_MS, config.stale_for / 2)),
  }
  const discovery = new RefreshingDocument<Discovered>({
    ...kept,
    load: () => discover(profile, fetch),
    onAttempt(attempt) {
      onEvent(fetchEvent('discovery', attempt))
      if (!attempt.kept) return
      keySet.start()
      keySet.retryNow()
    },
  })
  const keySet = new RefreshingDocument<KeySet>({
    ...kept,
    load: () => loadKeySet(fetch, discovery.current()?.value, rules),
    onAttempt(attempt) {
      onEvent(fetchEvent('keys', attempt))
      const changed = keysChanged(attempt)
      if (changed) onEvent(changed)
    },
  })
  return { discovery, keySet, refreshEvery: kept.refreshEvery }
}

type LoadRules = Omit<KeySetRules, 'acceptsKey'> & { readonly profile: IssuerProfile }

async function loadKeySet(
  fetch: BoundedFetch,
  discovered: Discovered | undefined,
  rules: LoadRules,
): Promise<KeySet> {
  if (!discovered) throw new DocumentError('no_discovery', 'the discovery document is too old')
  const { keySetUrl: url, metadata } = discovered
  const headers = { accept: 'application/json, application/jwk-set+json' }
  const init = { method: 'GET', headers, body: undefined, redirect: 'manual' } as const
  const response = await fetch(url, init)
  if (response.status !== 200) {
    throw new DocumentError('status', `${url}: answered ${response.status}`)
  }
  const document = await response.json().catch(() => {
    throw new DocumentError('not_json', `${url}: is not JSON`)
  })
  const acceptsKey: KeySetRules['acceptsKey'] = (key) => rules.profile.acceptsKey(key, metadata)
  return readKeySet(document, { ...rules, acceptsKey })
}

function fetchEvent(document: 'discovery' | 'keys', attempt: FetchAttempt<unknown>): IssuerEvent {
  const { duration, error } = attempt
  if (!error) return { kind: 'fetched', document, duration }
  const { reason, message } = error
  return { kind: 'fetch_failed', document, duration, reason, message }
}

function keysChanged({ kept, previous }: FetchAttempt<KeySet>): IssuerEvent | undefined {
  if (!kept) return undefined
  const now = kept.value.ids
  const before = previous?.value.ids ?? new Set<string>()
  const added = [...now].filter((id) => !before.has(id))
  const removed = [...before].filter((id) => !now.has(id))
  if (added.length === 0 && removed.length === 0) return undefined
  return { kind: 'keys_changed', added, removed, count: now.size }
}
