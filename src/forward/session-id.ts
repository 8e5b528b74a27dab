import { createHmac } from 'node:crypto'
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
 * session hijacking: an id that leaks is of no use to another user. Nothing is stored, so that every
 * replica can check it.
 */
export function bindSessionId(id: string, owner: SessionOwner, keys: KeyRing): string {
  return mac(keys[0], id, owner) + id
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
  const id = bound.slice(MAC_CHARACTERS)
  const given = bound.slice(0, MAC_CHARACTERS)
  const matches = keys.some((key) => equal(given, mac(key, id, owner)))
  return matches ? id : undefined
}

function mac(key: Buffer, id: string, owner: SessionOwner): string {
  // JSON keeps the fields apart: no two owners and ids run together into one text.
  const bound = JSON.stringify([owner.resource, owner.user, owner.token ?? null, id])
  return createHmac('sha256', key).update(bound).digest('base64url')
}
