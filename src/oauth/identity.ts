import { text } from './claims.ts'
import type { JsonObject } from './json.ts'

/**
 * Whose token it is, as its claims say, under the names of a log line. Plain data: sealed answers and
 * log lines are made of it.
 */
export interface Identity {
  readonly iss: string
  readonly sub: string
  readonly oid?: string
  readonly tid?: string
  /** What the cluster calls this user, as far as `user_claim` says it. */
  readonly user: string
  /** The client of the identity provider that the token was issued to. */
  readonly azp?: string
  /** `uti`, `jti`, or a hash: names the token without telling it. */
  readonly token_id: string
}

/** What of an identity depends on more than the claims alone. */
export interface IdentityTerms {
  readonly user: string
  readonly client: string | undefined
  /** Names a token that does not name itself. */
  readonly tokenHash: string
}

/**
 * Reads the identity out of claims. Missing ones become empty texts.
 *
 * Not checked: anything. Call it for a token whose signature holds: of a refused one it is still only
 * what the token says, and of an unsigned one it is whatever somebody wrote.
 */
export function readIdentity(claims: JsonObject, terms: IdentityTerms): Identity {
  const { user, client, tokenHash } = terms
  const oid = text(claims, 'oid')
  const tid = text(claims, 'tid')
  return {
    iss: text(claims, 'iss') ?? '',
    sub: text(claims, 'sub') ?? '',
    ...(oid !== undefined && { oid }),
    ...(tid !== undefined && { tid }),
    user,
    ...(client !== undefined && { azp: client }),
    token_id: text(claims, 'uti') ?? text(claims, 'jti') ?? tokenHash,
  }
}
