import type { OwnedSession } from '../sessions/session-ends.ts'
import type { IssuedTokens } from '../token/token-response.ts'

/** What came of one sign-in, all of which ends together (RFC 9700 §4.14.2). */
interface OfFamily {
  readonly family: string
  /** When nothing that comes of that sign-in can be good any more, milliseconds since the epoch. */
  readonly familyUntil: number
  /** Of a refresh token: the session that it is of. */
  readonly session?: OwnedSession
  /** Of a refresh token: whose it is. What is kept for one user crowds out no other's. */
  readonly user?: string
}

/** A code of ours. One that is shown again is `invalid_grant` (RFC 6749 §4.1.2). */
export interface RedeemableCode extends OfFamily {
  readonly kind: 'code'
  readonly id: string
  /** When it would have ended unused, milliseconds since the epoch. */
  readonly until: number
}

/**
 * A refresh token of ours. Clients that lost the answer, or refresh several times at once, show one
 * again: within the grace it has the same answer.
 */
export interface RedeemableRefreshToken extends OfFamily {
  readonly kind: 'refresh_token'
  readonly id: string
  /** Counts the refreshes of its session: each token has one more than the one it came of. */
  readonly generation: number
  readonly user: string
}

/** A code or a refresh token of ours, which may be redeemed once. */
export type Redeemable = RedeemableCode | RedeemableRefreshToken

/** Lets every code and every refresh token be redeemed once, and ends families. */
export interface SingleUse {
  /**
   * The answer to a code or refresh token: made now, or within the grace the one that was made before.
   * What ended in anything but success or a final `invalid_grant` of `redeem` is not spent.
   *
   * @param redeem is called for the first use only
   * @throws ErrorAnswer `invalid_grant` for a replay and for an ended family; 503 when the store cannot
   *   be reached, with nothing spent; else as `redeem` does
   */
  once(value: Redeemable, redeem: () => Promise<IssuedTokens>): Promise<IssuedTokens>

  /**
   * Ends every refresh token of one sign-in, and every sealed access token that was handed out in it.
   *
   * @param until when its last refresh token would have ended, milliseconds since the epoch
   * @throws ErrorAnswer 503 when the store cannot be reached
   */
  endFamily(family: string, until: number): Promise<void>
}
