import { LRUCache } from 'lru-cache'
import { atMost } from '../at-most.ts'
import type { Clock } from '../clock.ts'
import type { Principal } from './authenticate.ts'

/** How often one user is told, at most: where the cluster refuses every token, no client may loop. */
const TOLD_FOR_MS = 300_000
const MOST_USERS = 10_000

interface Standing {
  /** Of the token that the cluster refused. */
  readonly digest: string
  readonly isTold: boolean
}

/**
 * Tokens that rolecall takes and the cluster does not (revoked, or it trusts another issuer), of one
 * resource. An MCP server tells that in the result of a tool, which no client takes for a reason to sign in
 * again; so the next request with such a token is a challenge, once. A user who comes with another token is
 * told nothing for five minutes, whatever the cluster says: where it is set up wrong, a new token does not
 * help.
 */
export class ClusterRefusals {
  readonly #users: LRUCache<string, Standing>

  constructor(clock: Clock) {
    this.#users = new LRUCache({
      ...atMost(MOST_USERS),
      ttl: TOLD_FOR_MS,
      ttlResolution: 0,
      perf: { now: () => clock.now() },
    })
  }

  /** The cluster refused this token just now. */
  note({ userKey, tokenDigest: digest }: Principal): void {
    if (!this.#users.has(userKey)) this.#users.set(userKey, { digest, isTold: false })
  }

  /** Whether this user is to be told so with this request; then not again for a while. */
  take({ userKey, tokenDigest }: Principal): boolean {
    if (this.#users.size === 0) return false
    const standing = this.#users.get(userKey)
    if (!standing || standing.isTold || standing.digest !== tokenDigest) return false
    this.#users.set(userKey, { ...standing, isTold: true })
    return true
  }
}
