import { member, text } from '../../oauth/claims.ts'
import { type Check, oneOf, shown } from './check.ts'

/**
 * The header's `alg` against an allow-list (RFC 8725 §3.1), so that `none` and algorithm confusion end
 * here. Not checked: that the key fits it; the verifier does.
 */
export const algorithm: Check = {
  kind: 'check',
  name: 'algorithm',
  setting: 'signing_algorithms',
  refuse({ header }, { algorithms }) {
    const alg = member(header, 'alg')
    if (typeof alg === 'string' && algorithms.includes(alg)) return undefined
    return { reason: 'algorithm_not_allowed', algorithm: text(header, 'alg'), allowed: algorithms }
  },
  expected: ({ algorithms }) => oneOf(algorithms),
  found: ({ header }) => shown(member(header, 'alg')),
}

const headerTypes: readonly unknown[] = [undefined, 'jwt', 'at+jwt']

/**
 * The header's `typ` (RFC 9068 §4), against cross-JWT confusion (RFC 8725 §2.8, §3.11). A logout
 * token's has a reason of its own.
 */
export const headerType: Check = {
  kind: 'check',
  name: 'header type',
  refuse({ header }) {
    const typ = mediaType(member(header, 'typ'))
    if (headerTypes.includes(typ)) return undefined
    return { reason: typ === 'logout+jwt' ? 'logout_token' : 'wrong_header_type' }
  },
  expected: () => 'absent, JWT or at+jwt',
  found: ({ header }) => shown(member(header, 'typ')),
}

/** `typ` without its case and its optional `application/` (RFC 7515 §4.1.9). */
export function mediaType(typ: unknown): unknown {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
}

/** Critical extensions (RFC 7515 §4.1.11): we understand none. */
export const criticalHeader: Check = {
  kind: 'check',
  name: 'critical header',
  refuse: ({ header }) =>
    Object.hasOwn(header, 'crit') ? { reason: 'critical_header' } : undefined,
  expected: () => 'absent',
  found: ({ header }) => shown(member(header, 'crit')),
}

/**
 * Microsoft Graph's tokens are signed over another header than they show, one with a hashed `nonce`,
 * so that their signature never holds for anybody else.
 */
export const graphToken: Check = {
  kind: 'check',
  name: 'not a Microsoft Graph token',
  setting: 'request_scopes',
  refuse({ header }, { kind, requestScopes }) {
    if (kind !== 'entra' || !Object.hasOwn(header, 'nonce')) return undefined
    return { reason: 'graph_token', requestScopes }
  },
  expected: () => 'no nonce in the header',
  found: ({ header }) => (Object.hasOwn(header, 'nonce') ? 'a nonce in the header' : 'none'),
}
