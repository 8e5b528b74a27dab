import { member } from './claims.ts'
import type { JsonObject } from './json.ts'

/**
 * The values of one scope-like claim: a string is separated by spaces (RFC 6749 §3.3), an array
 * is taken entry by entry and its entries are not split. Anything else grants nothing.
 */
export function splitScope(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '')
  if (!Array.isArray(value)) return []
  return value.filter((entry) => typeof entry === 'string').filter((entry) => entry !== '')
}

/** Everything a token grants: `scp`, `scope` (string or array) and `roles` together. */
export function grantedScopes(claims: JsonObject): readonly string[] {
  return ['scp', 'scope', 'roles'].flatMap((name) => splitScope(member(claims, name)))
}
