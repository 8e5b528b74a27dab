import { member, text } from '../../oauth/claims.ts'
import type { JsonObject } from '../../oauth/json.ts'
import type { Refusal } from '../refusal.ts'
import { type Check, oneOf, shown } from './check.ts'

/** Seconds until a client may ask again while discovery has not named every issuer yet. */
const DISCOVERY_RETRY_SECONDS = 5

/** The issuer, compared character by character (RFC 7519 §4.1.1, RFC 9068 §4). */
export const issuer: Check = {
  kind: 'check',
  name: 'issuer',
  again: true,
  setting: 'token_issuers',
  refuse({ claims }, policy) {
    const allowed = policy.issuers()
    const iss = text(claims, 'iss')
    if (iss !== undefined && allowed.includes(iss)) return undefined
    if (iss !== undefined && policy.moreIssuersToCome()) {
      return { reason: 'unavailable', cause: 'no_keys_yet', retryAfter: DISCOVERY_RETRY_SECONDS }
    }
    return { reason: 'wrong_issuer', issuer: iss, allowed }
  },
  expected: (policy) => oneOf(policy.issuers()),
  found: ({ claims }) => shown(member(claims, 'iss')),
}

/** Entra: `tid` is there and is the tenant. */
export const tenant: Check = {
  kind: 'check',
  name: 'tenant',
  setting: 'tenant_id',
  refuse({ claims }, { kind, tenant: expected, comparable }) {
    if (kind !== 'entra') return undefined
    const tid = text(claims, 'tid')
    if (tid !== undefined && comparable(tid) === expected) return undefined
    return { reason: 'wrong_tenant', tenant: tid, expected }
  },
  expected: ({ tenant: expected }) => expected ?? 'any',
  found: ({ claims }) => shown(member(claims, 'tid')),
}

/** Leeway for nbf and iat, milliseconds. `exp` has none, as the API server has none. */
const LEEWAY_MS = 30_000

/** The end of the year 9999. A number beyond it is no time: 1e400, 1e308, or milliseconds. */
const LAST_SECOND = 253_402_300_799

/**
 * The end of a token in milliseconds since the epoch: `exp` in whole seconds, as Kubernetes reads it.
 *
 * @returns `undefined` when `exp` is absent or not a time
 */
export function expiresAt(claims: JsonObject): number | undefined {
  const exp = member(claims, 'exp')
  return isTime(exp) ? Math.floor(exp) * 1000 : undefined
}

/** `exp` is required and has no leeway: refused from that second on (RFC 7519 §4.1.4). */
export const expiry: Check = {
  kind: 'check',
  name: 'not expired',
  again: true,
  refuse({ claims }, _policy, now): Refusal | undefined {
    if (member(claims, 'exp') === undefined) return { reason: 'no_expiry' }
    const end = expiresAt(claims)
    if (end === undefined) return { reason: 'malformed_claim', claim: 'exp' }
    if (now < end) return undefined
    return { reason: 'expired', secondsAgo: Math.floor((now - end) / 1000) }
  },
  expected: (_policy, now) => `later than ${shownTime(Math.floor(now / 1000))}`,
  found: ({ claims }) => shownTime(member(claims, 'exp')),
}

/** `nbf` (RFC 7519 §4.1.5). */
export const notBefore: Check = startCheck('nbf', 'not before')

/** `iat` (RFC 7519 §4.1.6): a token from the future is not taken. */
export const issuedAt: Check = startCheck('iat', 'issued at')

function startCheck(claim: 'nbf' | 'iat', name: string): Check {
  return {
    kind: 'check',
    name,
    again: true,
    refuse({ claims }, _policy, now): Refusal | undefined {
      const value = member(claims, claim)
      if (value === undefined) return undefined
      if (!isTime(value)) return { reason: 'malformed_claim', claim }
      const ahead = value * 1000 - now
      if (ahead <= LEEWAY_MS) return undefined
      return { reason: 'not_yet_valid', claim, secondsAhead: Math.ceil(ahead / 1000) }
    },
    expected: (_policy, now) =>
      `absent, or at the latest ${shownTime(Math.floor((now + LEEWAY_MS) / 1000))}`,
    found: ({ claims }) => shownTime(member(claims, claim)),
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= LAST_SECOND
}

function shownTime(value: unknown): string {
  return isTime(value) ? new Date(value * 1000).toISOString() : shown(value)
}
