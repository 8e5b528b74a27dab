import { member, text, texts } from '../oauth/claims.ts'
import type { JsonObject } from '../oauth/json.ts'
import type { ResourcePolicy } from './policy.ts'

/** Every claim in which some provider names the client of a token. */
export const CLIENT_CLAIMS = ['azp', 'appid', 'client_id', 'cid', 'clientId'] as const

/** The claims of a policy that are there and name nothing. */
export function malformedClientClaim(
  claims: JsonObject,
  { clientClaims }: ResourcePolicy,
): string | undefined {
  return clientClaims.find(
    (name) => Object.hasOwn(claims, name) && text(claims, name) === undefined,
  )
}

/** The clients that a token names, each once; more than one: they disagree. */
export function clientsIn(claims: JsonObject, policy: ResourcePolicy): readonly string[] {
  const named = policy.clientClaims.map((name) => text(claims, name))
  return [...new Set(named.filter((name) => name !== undefined).map(policy.comparable))]
}

/**
 * The client a token was issued to. An ID token that names none was issued to its one audience
 * (OpenID Connect Core §2).
 *
 * @returns `undefined` when the token does not say it, or names two
 */
export function clientOf(claims: JsonObject, policy: ResourcePolicy): string | undefined {
  const named = clientsIn(claims, policy)
  if (named.length > 0) return named.length === 1 ? named[0] : undefined
  if (policy.tokenKind !== 'id_token') return undefined
  const audiences = texts(claims, 'aud')
  return audiences.length === 1 ? audiences[0] : undefined
}

/**
 * The application that an agent of Entra Agent ID was made from: its tokens name the agent as their
 * client, and administrators know the blueprint.
 */
export function blueprintOf(claims: JsonObject, policy: ResourcePolicy): string | undefined {
  const blueprint = member(claims, 'xms_par_app_azp')
  if (policy.kind !== 'entra' || typeof blueprint !== 'string') return undefined
  return policy.comparable(blueprint)
}
