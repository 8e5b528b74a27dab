import { createHmac } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import type { KeyRing } from '../sealing/derived-keys.ts'
import { equal } from '../sealing/digest.ts'

/** Whom and what a session belongs to. */
export interface SessionOwner {
  readonly resource: string
  readonly user: string
  /** For an upstream that keeps the token of its session's start: that token's digest. */
  readonly token?: string
}

const MAC_CHARACTERS = 43 // 32 bytes, base64url

/** The visible ASCII that MCP allows in a session id, as long as a header may well be. */
const wellFormed = /^[\x21-\x7e]{1,1024}$/

/**
 * Binds the upstream's session id to its owner with a MAC (HMAC-SHA-256) in front of it, against
 * session hijacking: an id that leaks is of no use to another user. Nothing need be stored, so that
 * every replica can check it.
 */
export function bindSessionId(id: string, owner: SessionOwner, keys: KeyRing): string {
  const [cache, key] = [cacheOf(keys), keyOf('bound', id, owner)]
  const known = cache.get(key)
  if (known !== undefined) return known
  const bound = mac(keys[0], id, owner) + id
  cache.set(key, bound)
  return bound
}

/**
 * The upstream's session id out of what a client sent.
 *
 * @returns `undefined` for an id that was altered, was not made here, or is another user's
 */
export function openSessionId(
  bound: string,
  owner: SessionOwner,
  keys: KeyRing,
): string | undefined {
  if (!wellFormed.test(bound) || bound.length <= MAC_CHARACTERS) return undefined
  const [cache, key] = [cacheOf(keys), keyOf('opened', bound, owner)]
  const known = cache.get(key)
  if (known !== undefined) return known
  const id = bound.slice(MAC_CHARACTERS)
  const given = bound.slice(0, MAC_CHARACTERS)
  if (!keys.some((one) => equal(given, mac(one, id, owner)))) return undefined
  cache.set(key, id)
  return id
}

/**
 * As `openSessionId`, for a request that cannot go on without.
 *
 * @throws ErrorAnswer 404 for a session id that is not this user's (session hijacking)
 */
export function requireSessionId(bound: string, owner: SessionOwner, keys: KeyRing): string {
  const id = openSessionId(bound, owner, keys)
  if (id !== undefined) return id
  throw new ErrorAnswer({
    status: 404,
    error: 'session_not_found',
    description: 'There is no such MCP session for this user; initialize again.',
  })
}

function mac(key: Buffer, id: string, owner: SessionOwner): string {
  // JSON keeps the fields apart: no two owners and ids run together into one text.
  const bound = JSON.stringify([owner.resource, owner.user, owner.token ?? null, id])
  return createHmac('sha256', key).update(bound).digest('base64url')
}

/** Bytes of memory, and how many. A session has two entries: their MACs would cost each call 5 µs. */
const MOST_BYTES = 8 * 1_048_576
const MOST_ENTRIES = 20_000

/** What was bound and opened with each ring. What did not open is never kept. */
const caches = new WeakMap<KeyRing, LRUCache<string, string>>()

function cacheOf(keys: KeyRing): LRUCache<string, string> {
  const known = caches.get(keys)
  if (known !== undefined) return known
  const cache = new LRUCache<string, string>({
    max: MOST_ENTRIES,
    maxSize: MOST_BYTES,
    sizeCalculation: (id, key) => (id.length + key.length) * 2,
  })
  caches.set(keys, cache)
  return cache
}

/** The user, in whose name anything can stand, is last: no two owners and ids have the same text. */
function keyOf(
  use: 'bound' | 'opened',
  id: string,
  { resource, user, token }: SessionOwner,
): string {
  return `${use}\n${resource}\n${token ?? ''}\n${id}\n${user}`
}
