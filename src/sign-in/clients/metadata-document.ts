import { isIP } from 'node:net'
import CachePolicy from 'http-cache-semantics'
import * as z from 'zod'
import { parseObject } from '../../oauth/json.ts'
import { shownName } from './client-name.ts'

/** The metadata that a client publishes about itself (draft-ietf-oauth-client-id-metadata-document). */
export interface MetadataDocument {
  /** Its address, which is the client id. */
  readonly url: string
  /** As listed; none of them is judged yet. */
  readonly redirectUris: readonly string[]
  /** Fit to be shown. */
  readonly name?: string
}

/** Why there is no document to use. */
export interface MetadataFlaw {
  /** Whether the same address may do later. */
  readonly mayPass: boolean
  /** For the log. */
  readonly reason: string
  /** The end of a sentence about the document. */
  readonly words: string
}

export type MetadataVerdict =
  | { readonly kind: 'document'; readonly document: MetadataDocument }
  | { readonly kind: 'flaw'; readonly flaw: MetadataFlaw }

/** An answer that is whole. */
export interface MetadataAnswer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

/** Whether a client id is meant as the address of a metadata document. */
export function looksLikeMetadataUrl(clientId: string): boolean {
  return clientId.startsWith('https://')
}

const LONGEST_URL = 500

/**
 * The host of a client id that may be the address of a metadata document: https, a name and a path,
 * without user name, query, fragment and dot segments, and written in the one way in which it is
 * also asked for, so that what is compared and shown is what answers.
 */
export function metadataHost(clientId: string): string | undefined {
  if (clientId.length > LONGEST_URL || !URL.canParse(clientId)) return undefined
  const url = new URL(clientId)
  const isPlain =
    url.href === clientId &&
    url.protocol === 'https:' &&
    url.username === '' &&
    url.password === '' &&
    !/[?#]/.test(clientId) &&
    url.pathname !== '/' &&
    isIP(url.hostname.replace(/[[\]]/g, '')) === 0
  return isPlain ? url.host : undefined
}

/** Whether a host is one of those whose documents are fetched. The port counts; 443 may be written. */
export function isMetadataHost(host: string, hosts: readonly string[]): boolean {
  return hosts.some((one) => one === host || one === `${host}:443`)
}

const documentShape = z.object({
  client_id: z.string(),
  redirect_uris: z.array(z.string()).min(1),
  client_name: z.unknown().optional(),
})

/**
 * Judges what came from the address of a metadata document.
 *
 * Not checked: the redirect URIs. Ways of client authentication are ignored: such a client is a
 * public one here.
 */
export function judgeMetadata(url: string, answer: MetadataAnswer): MetadataVerdict {
  const { status, contentType, text } = answer
  if (status !== 200) {
    const mayPass = status >= 500 || status === 429 || status === 408
    return flaw(`status_${status}`, `is answered with status ${status}`, mayPass)
  }
  if (!/^application\/(?:[\w.-]+\+)?json *(?:;|$)/i.test(contentType)) {
    return flaw('content_type', 'is not application/json')
  }
  const read = documentShape.safeParse(parseObject(text)).data
  if (!read) {
    return flaw('shape', 'is not a JSON object with client_id and a list of redirect_uris')
  }
  if (read.client_id !== url) {
    return flaw('client_id', 'names another client_id than the address that it is at')
  }
  const name = shownName(read.client_name)
  const document = { url, redirectUris: read.redirect_uris, ...(name !== undefined && { name }) }
  return { kind: 'document', document }
}

const SHORTEST = 60_000
const LONGEST = 86_400_000

/**
 * For how long a document is kept, in milliseconds: as HTTP says (RFC 9111, as a shared cache), but
 * a minute at least, within which one sign-in asks for it twice, and a day at most.
 *
 * @param headers lower case
 */
export function keptFor(headers: Readonly<Record<string, string>>): number {
  const request = { url: '/', method: 'GET', headers: {} }
  const policy = new CachePolicy(request, { status: 200, headers: { ...headers } })
  return Math.min(Math.max(policy.timeToLive(), SHORTEST), LONGEST)
}

function flaw(reason: string, words: string, mayPass = false): MetadataVerdict {
  return { kind: 'flaw', flaw: { reason, words, mayPass } }
}
