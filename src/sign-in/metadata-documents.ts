import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { asDocumentError, type DocumentFailure } from '../issuer/document-error.ts'
import { createIdpFetch, type IdpFetchOptions } from '../issuer/idp-fetch.ts'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import {
  judgeMetadata,
  keptFor,
  type MetadataDocument,
  type MetadataFlaw,
} from './metadata-document.ts'
import { publicLookup } from './public-address.ts'
import { temporarilyUnavailable } from './token-error.ts'

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

const TIMEOUT = 5_000
const BODY_LIMIT = 10_240

/**
 * A fetch for metadata documents, with the bounds of those of the identity provider, and towards
 * public addresses only: anybody can make rolecall fetch one. Each has a connection of its own.
 * Behind a proxy (`HTTPS_PROXY`) it is the proxy that resolves names, and that must not reach
 * into private networks; the hosts are those of the configuration either way.
 */
export function createMetadataFetch(
  options: Pick<IdpFetchOptions, 'clock' | 'lookup' | 'certificateAuthority'>,
): MetadataFetch {
  return async (url) => {
    const connection = createIdpFetch({
      lookup: publicLookup(),
      ...options,
      timeout: TIMEOUT,
      bodyLimit: BODY_LIMIT,
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

interface Kept {
  readonly outcome: MetadataDocument | MetadataFlaw
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number
}

const MOST_KEPT = 500
const MOST_AT_ONCE = 10
const FAILURE_KEPT_FOR = 60_000
/** Since it was fetched, so that what a client takes back is gone after a day whatever happens. */
const STALE_FOR = 86_400_000

/**
 * Keeps documents as long as HTTP says, failures for a minute. Of one document there is one fetch at
 * a time, of all of them ten. While a document cannot be had its last one still does, for a day.
 */
export function createMetadataDocuments({
  clock,
  fetch,
}: {
  readonly clock: Clock
  readonly fetch: MetadataFetch
}): MetadataDocuments {
  let underWay = 0
  const kept = new LRUCache<string, Kept>({
    max: MOST_KEPT,
    ttl: FAILURE_KEPT_FOR,
    ttlResolution: 0,
    perf: { now: () => clock.now() },
    ignoreFetchAbort: true,
    async fetchMethod(url, before, { options }) {
      const fetchedAt = clock.now()
      const spare = before && isSpare(before, fetchedAt) ? before : undefined
      if (underWay >= MOST_AT_ONCE) {
        if (spare) return spare
        throw busy()
      }
      underWay += 1
      const { outcome, ttl } = await load(url, fetch).finally(() => {
        underWay -= 1
      })
      options.ttl = ttl
      return spare && isFlaw(outcome) && outcome.mayPass ? spare : { outcome, fetchedAt }
    },
  })
  return {
    async find(url) {
      const found = await kept.fetch(url)
      if (!found) throw busy()
      if (!isFlaw(found.outcome)) return found.outcome
      throw unusable(found.outcome, found.fetchedAt + FAILURE_KEPT_FOR - clock.now())
    },
  }
}

async function load(
  url: string,
  fetch: MetadataFetch,
): Promise<Pick<Kept, 'outcome'> & { readonly ttl: number }> {
  try {
    const response = await fetch(url)
    const { status, headers } = response
    const contentType = headers.get('content-type') ?? ''
    const verdict = judgeMetadata(url, { status, contentType, text: await response.text() })
    if (verdict.kind === 'flaw') return { outcome: verdict.flaw, ttl: FAILURE_KEPT_FOR }
    return { outcome: verdict.document, ttl: keptFor(Object.fromEntries(headers)) }
  } catch (error) {
    const { reason } = asDocumentError(error)
    const words = final[reason]
    return {
      outcome: {
        reason,
        mayPass: words === undefined,
        words: words ?? 'cannot be fetched at the moment',
      },
      ttl: FAILURE_KEPT_FOR,
    }
  }
}

/** What does not pass by waiting. */
const final: Partial<Record<DocumentFailure, string>> = {
  redirect: 'redirects to another address, which is not followed',
  too_large: `is larger than ${BODY_LIMIT} bytes`,
  private_address: 'is on a host whose address is not a public one',
}

/** Whether the document before still does, while there is no newer one. */
function isSpare({ outcome, fetchedAt }: Kept, now: number): boolean {
  return !isFlaw(outcome) && now - fetchedAt <= STALE_FOR
}

function isFlaw(outcome: Kept['outcome']): outcome is MetadataFlaw {
  return 'mayPass' in outcome
}

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
