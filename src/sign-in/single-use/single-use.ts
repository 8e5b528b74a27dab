import type { OwnedSession } from '../sessions/session-ends.ts'
import type { IssuedTokens } from '../token/token-response.ts'

/** A code or a refresh token of ours, which may be redeemed once. */
export interface Redeemable {
  /**
   * A code that is shown again is `invalid_grant` (RFC 6749 §4.1.2). A refresh token is shown again by
   * clients that lost the answer or refresh several times at once: within the grace it has the same
   * answer.
   */
  readonly kind: 'code' | 'refresh_token'
  /** Names this one code or token. */
  readonly id: string
  /** Everything that came of the same sign-in has the same one (RFC 9700 §4.14.2). */
  readonly family: string
  /** When it would have ended unused, milliseconds since the epoch. */
  readonly until: number
  /** When nothing that comes of that sign-in can be good any more, milliseconds since the epoch. */
  readonly familyUntil: number
  /** Of a refresh token: the session that it is of. */
  readonly session?: OwnedSession
}

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
