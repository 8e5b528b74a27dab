import { member } from '../../oauth/claims.ts'
import {
  blueprintOf,
  CLIENT_CLAIMS,
  clientOf,
  clientsIn,
  malformedClientClaim,
} from '../client-claims.ts'
import type { Refusal } from '../refusal.ts'
import { type Check, oneOf, shown } from './check.ts'

/**
 * `aud` (RFC 7519 §4.1.3, RFC 9068 §4): must be there, and is never taken to be the client id. Against
 * the confused deputy: a token that was issued for another service opens nothing here.
 */
export const audience: Check = {
  kind: 'check',
  name: 'audience',
  setting: 'audiences',
  refuse({ claims }, { audiences: allowed, comparable }): Refusal | undefined {
    const aud = member(claims, 'aud')
    if (aud === undefined) return { reason: 'no_audience', allowed }
    const audiences = audiencesIn(aud)
    if (!audiences) return { reason: 'malformed_claim', claim: 'aud' }
    if (audiences.length === 0) return { reason: 'no_audience', allowed }
    if (allowed === 'any' || audiences.some((one) => allowed.includes(comparable(one)))) {
      return undefined
    }
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

/**
 * The client that the token was issued to, by `client_claim`: v1 `appid`, v2 and OIDC `azp`, RFC 9068
 * `client_id`, Okta `cid`. A token that names several must name one and the same.
 */
export const client: Check = {
  kind: 'check',
  name: 'client',
  setting: 'allowed_clients',
  refuse({ claims }, policy): Refusal | undefined {
    const malformed = malformedClientClaim(claims, policy)
    if (malformed) return { reason: 'malformed_claim', claim: malformed }
    const named = clientsIn(claims, policy)
    if (named.length > 1) return { reason: 'clients_differ', clients: named }
    const { clients: allowed } = policy
    if (allowed === 'any') return undefined
    const one = clientOf(claims, policy)
    if (one === undefined) return { reason: 'no_client', claims: policy.clientClaims }
    const blueprint = blueprintOf(claims, policy)
    if ([one, blueprint].some((id) => id !== undefined && allowed.includes(id))) return undefined
    return { reason: 'wrong_client', client: one }
  },
  expected: ({ clients }) => oneOf(clients),
  found: ({ claims }) => {
    const present = [...CLIENT_CLAIMS, 'xms_par_app_azp'].filter((name) =>
      Object.hasOwn(claims, name),
    )
    return present.map((name) => `${name} ${shown(member(claims, name))}`).join(', ') || 'absent'
  },
}
