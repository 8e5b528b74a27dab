import { member, text, texts } from '../oauth/claims.ts'
import type { JsonObject } from '../oauth/json.ts'
import { grantedScopes, splitScope } from '../oauth/scope.ts'
import { type Check, oneOf, shown } from './check.ts'
import type { ResourcePolicy } from './policy.ts'
import type { Refusal } from './refusal.ts'

/**
 * `aud` (RFC 7519 §4.1.3, RFC 9068 §4): must be there, and is never taken to be the client id. Against
 * the confused deputy: a token that was issued for another service opens nothing here.
 */
export const audience: Check = {
  kind: 'check',
  name: 'audience',
  setting: 'audiences',
  refuse({ claims }, { audiences: allowed }): Refusal | undefined {
    const aud = member(claims, 'aud')
    if (aud === undefined) return { reason: 'no_audience', allowed }
    const audiences = audiencesIn(aud)
    if (!audiences) return { reason: 'malformed_claim', claim: 'aud' }
    if (audiences.length === 0) return { reason: 'no_audience', allowed }
    if (allowed === 'any' || audiences.some((one) => allowed.includes(one))) return undefined
    return { reason: 'wrong_audience', audiences, allowed }
  },
  expected: ({ audiences }) => oneOf(audiences),
  found: ({ claims }) => shown(member(claims, 'aud')),
}

function audiencesIn(aud: unknown): readonly string[] | undefined {
  const values: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const audiences = values.filter((value) => typeof value === 'string')
  if (audiences.length !== values.length) return undefined
  return audiences.filter((value) => value !== '')
}

/** The client that the token was issued to: v1 `appid`, v2 and OIDC `azp`, RFC 9068 `client_id`. */
export const client: Check = {
  kind: 'check',
  name: 'client',
  setting: 'allowed_clients',
  refuse({ claims }, policy): Refusal | undefined {
    const malformed = clientClaims(policy.kind).find(
      (name) => Object.hasOwn(claims, name) && text(claims, name) === undefined,
    )
    if (malformed) return { reason: 'malformed_claim', claim: malformed }
    const named = clientsIn(claims, policy.kind)
    if (named.length > 1) return { reason: 'clients_differ', clients: named }
    if (policy.clients === 'any') return undefined
    const one = clientOf(claims, policy)
    if (one === undefined) return { reason: 'no_client' }
    return policy.clients.includes(one) ? undefined : { reason: 'wrong_client', client: one }
  },
  expected: ({ clients }) => oneOf(clients),
  found: ({ claims }) => {
    const present = clientClaims('oidc').filter((name) => Object.hasOwn(claims, name))
    return present.map((name) => `${name} ${shown(member(claims, name))}`).join(', ') || 'absent'
  },
}

function clientClaims(kind: ResourcePolicy['kind']): readonly string[] {
  return kind === 'entra' ? ['appid', 'azp'] : ['azp', 'appid', 'client_id']
}

function clientsIn(claims: JsonObject, kind: ResourcePolicy['kind']): readonly string[] {
  const named = clientClaims(kind).map((name) => text(claims, name))
  return [...new Set(named.filter((name) => name !== undefined))]
}

/**
 * The client a token was issued to. An ID token that names none was issued to its one audience
 * (OpenID Connect Core §2).
 *
 * @returns `undefined` when the token does not say it, or names two
 */
export function clientOf(claims: JsonObject, policy: ResourcePolicy): string | undefined {
  const named = clientsIn(claims, policy.kind)
  if (named.length > 0) return named.length === 1 ? named[0] : undefined
  if (policy.tokenKind !== 'id_token') return undefined
  const audiences = texts(claims, 'aud')
  return audiences.length === 1 ? audiences[0] : undefined
}

/**
 * `sub`: without it nobody can be told from anybody else. At Entra `oid` stands for a user where it
 * is there, so it must then be a text.
 */
export const subject: Check = {
  kind: 'check',
  name: 'subject',
  refuse({ claims }, { kind }): Refusal | undefined {
    if (text(claims, 'sub') === undefined) return { reason: 'no_subject' }
    if (kind !== 'entra' || !Object.hasOwn(claims, 'oid')) return undefined
    return text(claims, 'oid') ? undefined : { reason: 'malformed_claim', claim: 'oid' }
  },
  expected: () => 'a non-empty string',
  found: ({ claims }) => shown(member(claims, 'sub')),
}

/** A user's token, not an application's. Not checked here: whether that user may do anything. */
export const userToken: Check = {
  kind: 'check',
  name: 'user token',
  setting: 'allow_app_tokens',
  refuse({ claims }, policy) {
    if (policy.allowAppTokens) return undefined
    const ofApp = policy.kind === 'entra' ? isEntraAppToken(claims) : isOidcAppToken(claims, policy)
    return ofApp ? { reason: 'app_token' } : undefined
  },
  expected: ({ allowAppTokens }) => (allowAppTokens ? 'any' : 'a token of a user'),
  found: ({ claims }) =>
    ['scp', 'idtyp', 'gty', 'sub', 'preferred_username']
      .filter((name) => Object.hasOwn(claims, name))
      .map((name) => `${name} ${shown(member(claims, name))}`)
      .join(', ') || 'none of the telling claims',
}

/** v2 application tokens carry no `idtyp` unless asked to, so the missing `scp` decides. */
function isEntraAppToken(claims: JsonObject): boolean {
  const scp = member(claims, 'scp')
  return typeof scp !== 'string' || splitScope(scp).length === 0 || isAppType(claims)
}

function isOidcAppToken(claims: JsonObject, policy: ResourcePolicy): boolean {
  const sub = text(claims, 'sub')
  const grants = texts(claims, 'gty').map((grant) => grant.toLowerCase())
  const name = text(claims, 'preferred_username')?.toLowerCase()
  return (
    isAppType(claims) ||
    grants.includes('client-credentials') ||
    grants.includes('client_credentials') ||
    (sub !== undefined && (sub === clientOf(claims, policy) || sub === policy.clientId)) ||
    name?.startsWith('service-account-') === true
  )
}

function isAppType(claims: JsonObject): boolean {
  return text(claims, 'idtyp')?.toLowerCase() === 'app'
}

/** Every required scope, in `scp`, `scope` and `roles` together; Entra without case. */
export const requiredScopes: Check = {
  kind: 'check',
  name: 'scopes',
  setting: 'required_scopes',
  refuse({ claims }, { scopes: required, kind }) {
    if (required.length === 0) return undefined
    const folded = kind === 'entra' ? (scope: string) => scope.toLowerCase() : String
    const granted = new Set(grantedScopes(claims).map((scope) => folded(scope)))
    const missing = required.filter((scope) => !granted.has(folded(scope)))
    return missing.length === 0 ? undefined : { reason: 'insufficient_scope', missing, required }
  },
  expected: ({ scopes }) => scopes.join(' and ') || 'none',
  found: ({ claims }) => shown(grantedScopes(claims).join(' ') || undefined),
}
