import { member, text, texts } from '../../oauth/claims.ts'
import type { JsonObject } from '../../oauth/json.ts'
import type { Jwt } from '../../oauth/jwt.ts'
import type { ResourcePolicy } from '../policy.ts'
import type { Refusal } from '../refusal.ts'
import { type Check, shown } from './check.ts'
import { mediaType } from './header-checks.ts'

/**
 * A sender-constrained token (RFC 7800, RFC 8705, RFC 9449) is bound to a key of its client: the
 * upstream would refuse it from us, and taking it as a bearer would undo its binding.
 */
export const unbound: Check = {
  kind: 'check',
  name: 'not bound to a key',
  refuse: ({ claims }) => (Object.hasOwn(claims, 'cnf') ? { reason: 'bound_token' } : undefined),
  expected: () => 'no cnf claim',
  found: ({ claims }) => (Object.hasOwn(claims, 'cnf') ? 'a cnf claim' : 'none'),
}

/**
 * Access token or ID token, by what issuers mark them with. Not checked here: a token that nothing
 * marks, and with `token_kind = "id_token"` which of the two it is at a provider like Dex, whose access
 * tokens have the claims of its ID tokens.
 */
export const tokenKind: Check = {
  kind: 'check',
  name: 'token kind',
  setting: 'token_kind',
  refuse(token, policy): Refusal | undefined {
    const marked = markedKind(token, policy)
    if (marked === undefined || marked === policy.tokenKind) return undefined
    return { reason: marked }
  },
  expected: (policy) => policy.tokenKind,
  found: ({ header, claims }) => {
    const marks = ['typ', 'token_use', 'at_hash', 'c_hash', 'nonce', 'scp', 'roles']
    const present = marks.filter((name) => Object.hasOwn(claims, name))
    const typ = `typ ${shown(member(claims, 'typ'))}, header typ ${shown(member(header, 'typ'))}`
    return `${typ}; claims present: ${present.join(', ') || 'none of the telling ones'}`
  },
}

type Kind = 'access_token' | 'id_token' | 'refresh_token' | 'logout_token'

/** Payload `typ` of Keycloak and its kin, lower case. */
const payloadTypes: ReadonlyMap<string, Kind> = new Map([
  ['id', 'id_token'],
  ['refresh', 'refresh_token'],
  ['offline', 'refresh_token'],
  ['logout', 'logout_token'],
  ['bearer', 'access_token'],
])

/** What the token's marks say it is; `undefined`: nothing marks it. */
function markedKind(token: Jwt, policy: ResourcePolicy): Kind | undefined {
  const { claims, header } = token
  const typed = payloadTypes.get(text(claims, 'typ')?.toLowerCase() ?? '')
  if (typed !== undefined && typed !== 'access_token') return typed
  if (isLogoutToken(claims)) return 'logout_token'
  if (Object.hasOwn(claims, 'at_hash') || Object.hasOwn(claims, 'c_hash')) return 'id_token'
  if (text(claims, 'token_use') === 'id') return 'id_token'
  if (policy.kind === 'entra' && isEntraIdToken(claims, policy)) return 'id_token'
  if (typed === 'access_token' || text(claims, 'token_use') === 'access') return 'access_token'
  return mediaType(member(header, 'typ')) === 'at+jwt' ? 'access_token' : undefined
}

/** OpenID Connect Back-Channel Logout §2.4. */
function isLogoutToken(claims: JsonObject): boolean {
  const events = member(claims, 'events')
  return (
    typeof events === 'object' &&
    events !== null &&
    Object.hasOwn(events, 'http://schemas.openid.net/event/backchannel-logout')
  )
}

/**
 * Entra marks its ID tokens with nothing: they have no `scp`, and name no client because they are for
 * one. `roles` can be in both.
 */
function isEntraIdToken(claims: JsonObject, { clientId, comparable }: ResourcePolicy): boolean {
  if (text(claims, 'scp') !== undefined) return false
  if (Object.hasOwn(claims, 'nonce')) return true
  const namesClient = ['appid', 'azp'].some((name) => text(claims, name) !== undefined)
  if (!namesClient) return text(claims, 'idtyp') === undefined
  const forClient =
    clientId !== undefined && texts(claims, 'aud').map(comparable).includes(clientId)
  const ofApp = ['roles', 'idtyp', 'appidacr', 'azpacr'].some((name) => Object.hasOwn(claims, name))
  return forClient && !ofApp
}
