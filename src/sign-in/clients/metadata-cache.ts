import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'
import { type BoundedFetchOptions, createBoundedFetch } from '../../net/bounded-fetch.ts'
import { asDocumentError, type DocumentFailure } from '../../net/document-error.ts'
import { publicLookup } from '../../net/public-address.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'
import {
  judgeMetadata,
  keptFor,
  type MetadataDocument,
  type MetadataFlaw,
} from './metadata-document.ts'

/** Where metadata documents come from. */
export interface MetadataDocuments {
  /**
   * The document at an address that may be asked; from memory, or fetched now.
   *
   * @throws ErrorAnswer 400 when it must not be used, 503 when it cannot be had at the moment
   */
  find(url: string): Promise<MetadataDocument>
}

/** Fetches a document; the answer is whole. @throws DocumentError */
export type MetadataFetch = (url: string) => Promise<Response>

const TIMEOUT_MS = 5_000
const BODY_LIMIT_BYTES = 10_240

/**
 * A fetch for metadata documents, with the bounds of those of the identity provider, and towards
 * public addresses only, judged when connecting: anybody can make rolecall fetch one (SSRF, DNS
 * rebinding). Each has a connection of its own.
 * Behind a proxy (`HTTPS_PROXY`) it is the proxy that resolves names, and that must not reach
 * into private networks; the hosts are those of the configuration either way.
 */
export function createMetadataFetch(
  options: Pick<BoundedFetchOptions, 'clock' | 'lookup' | 'certificateAuthority'>,
): MetadataFetch {
  return async (url) => {
    const connection = createBoundedFetch({
      lookup: publicLookup(),
      ...options,
      timeout: TIMEOUT_MS,
      bodyLimit: BODY_LIMIT_BYTES,
    })
    try {
      const headers = { accept: 'application/json', 'user-agent': 'rolecall' }
      return await connection.fetch(url, {
        method: 'GET',
        headers,
        body: undefined,
        redirect: 'manual',
      })
    } finally {
      connection.close()
    }
  }
}

/** A document, and when it was had. */
interface Kept {
  readonly document: MetadataDocument
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number
  /** Used without asking until then; milliseconds since the epoch. */
  readonly renewAt: number
}

const MOST_KEPT = 500
/** Few: nobody but a flood fails at many addresses, and that does not ask for one again. */
const MOST_FAILURES_KEPT = 100
const MOST_AT_ONCE = 10
/** On top of those, and only for addresses that had a document. */
const MORE_FOR_KNOWN = 5
const FAILURE_KEPT_MS = 60_000
/** Since it was fetched, so that what a client takes back is gone after a day whatever happens. */
const STALE_IF_ERROR_MS = 86_400_000

export interface MetadataDocumentsParts {
  readonly clock: Clock
  readonly fetch: MetadataFetch
}

/**
 * Keeps documents as long as HTTP says, failures for a minute (negative cache). Of one document there is
 * one fetch at a time, of all of them ten. While a document cannot be had its last one still does, for a
 * day (stale-if-error).
 *
 * Anybody can have addresses asked for at which nothing is. So failures are kept apart, where they
 * push no document out, and five more fetches are for addresses that had a document: no flood keeps
 * a client out that was known before it.
 */
export function createMetadataDocuments(parts: MetadataDocumentsParts): MetadataDocuments {
  return new FetchedDocuments(parts)
}

class FetchedDocuments implements MetadataDocuments {
  readonly #parts: MetadataDocumentsParts
  /** Those too old to be used stay, too: their addresses still had a document. */
  readonly #kept = new LRUCache<string, Kept>({ max: MOST_KEPT })
  readonly #failures: LRUCache<string, MetadataFlaw>
  readonly #underWay = new Map<string, Promise<MetadataDocument>>()

  constructor(parts: MetadataDocumentsParts) {
    this.#parts = parts
    this.#failures = new LRUCache({
      max: MOST_FAILURES_KEPT,
      ttl: FAILURE_KEPT_MS,
      ttlResolution: 0,
      perf: { now: () => parts.clock.now() },
    })
  }

  async find(url: string): Promise<MetadataDocument> {
    const kept = this.#kept.get(url)
    if (kept && this.#parts.clock.now() < kept.renewAt) return kept.document
    const flaw = this.#failures.get(url)
    if (flaw) throw unusable(flaw, this.#failures.getRemainingTTL(url))
    return this.#underWay.get(url) ?? this.#begin(url, kept)
  }

  #begin(url: string, before: Kept | undefined): MetadataDocument | Promise<MetadataDocument> {
    const spare = before && isSpare(before, this.#parts.clock.now()) ? before : undefined
    if (this.#underWay.size >= MOST_AT_ONCE + (before ? MORE_FOR_KNOWN : 0)) {
      if (spare) return spare.document
      throw busy()
    }
    const own = this.#renew(url, spare).finally(() => this.#underWay.delete(url))
    this.#underWay.set(url, own)
    return own
  }

  async #renew(url: string, spare: Kept | undefined): Promise<MetadataDocument> {
    const { clock, fetch } = this.#parts
    const fetchedAt = clock.now()
    const loaded = await load(url, fetch)
    if (loaded.kind === 'document') {
      const { document, ttl } = loaded
      this.#kept.set(url, { document, fetchedAt, renewAt: clock.now() + ttl })
      return document
    }
    const { flaw } = loaded
    if (flaw.mayPass && spare) {
      this.#kept.set(url, { ...spare, renewAt: clock.now() + FAILURE_KEPT_MS })
      return spare.document
    }
    if (!flaw.mayPass) this.#kept.delete(url)
    this.#failures.set(url, flaw)
    throw unusable(flaw, FAILURE_KEPT_MS)
  }
}

type Loaded =
  /** `ttl` in milliseconds. */
  | { readonly kind: 'document'; readonly document: MetadataDocument; readonly ttl: number }
  | { readonly kind: 'flaw'; readonly flaw: MetadataFlaw }

async function load(url: string, fetch: MetadataFetch): Promise<Loaded> {
  try {
    const response = await fetch(url)
    const { status, headers } = response
    const contentType = headers.get('content-type') ?? ''
    const verdict = judgeMetadata(url, { status, contentType, text: await response.text() })
    if (verdict.kind === 'flaw') return verdict
    return { ...verdict, ttl: keptFor(Object.fromEntries(headers)) }
  } catch (error) {
    const { reason } = asDocumentError(error)
    const words = final[reason]
    const mayPass = words === undefined
    return {
      kind: 'flaw',
      flaw: { reason, mayPass, words: words ?? 'cannot be fetched at the moment' },
    }
  }
}

/** What does not pass by waiting. */
const final: Partial<Record<DocumentFailure, string>> = {
  redirect: 'redirects to another address, which is not followed',
  too_large: `is larger than ${BODY_LIMIT_BYTES} bytes`,
  private_address: 'is on a host whose address is not a public one',
}

/** Whether the document before still does, while there is no newer one. */
function isSpare({ fetchedAt }: Kept, now: number): boolean {
  return now - fetchedAt <= STALE_IF_ERROR_MS
}

/** @param wait milliseconds until it is asked for again */
function unusable({ mayPass, reason, words }: MetadataFlaw, wait: number): ErrorAnswer {
  const description = `The client's metadata document, at the address that is its client_id, ${words}.`
  const logged = `metadata_document:${reason}`
  if (!mayPass) {
    return new ErrorAnswer({ status: 400, error: 'invalid_client', description, reason: logged })
  }
  const retryAfter = Math.max(1, Math.ceil(wait / 1000))
  return temporarilyUnavailable(description, { retryAfter, reason: logged })
}

function busy(): ErrorAnswer {
  return temporarilyUnavailable('Too many metadata documents are being fetched; try again.', {
    retryAfter: 5,
    reason: 'metadata_document:busy',
  })
}
