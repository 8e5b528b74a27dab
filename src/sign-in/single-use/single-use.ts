import type { IssuedTokens } from '../token/token-response.ts'

/** A value that may be redeemed once. */
export interface Use {
  /** Names the one value: a code's id or a refresh token's id. */
  readonly id: string
  /** The sign-in it came of. */
  readonly family: string
  /**
   * `same answer`: repetitions within the grace get the very same answer (refresh tokens).
   * `refused`: any repetition after success is `invalid_grant` (codes).
   */
  readonly repeated: 'same answer' | 'refused'
  /** When it would have ended unused, milliseconds since the epoch. */
  readonly until: number
  /** When nothing that comes of that sign-in can be good any more, milliseconds since the epoch. */
  readonly familyUntil: number
}

/** Lets every code and every refresh token be redeemed once. */
export interface SingleUse {
  /**
   * The answer for a value: made now, or remembered. What ended in anything but success or a final
   * `invalid_grant` of `redeem` is not spent.
   *
   * @param redeem is called for the first use only
   * @throws ErrorAnswer `invalid_grant` for a value used before or of an ended family; 503 when the
   *   store cannot be reached, with nothing spent; else as `redeem` does
   */
  once(use: Use, redeem: () => Promise<IssuedTokens>): Promise<IssuedTokens>

  /**
   * Ends every refresh token of one sign-in.
   *
   * @param until when its last refresh token would have ended, milliseconds since the epoch
   * @throws ErrorAnswer 503 when the store cannot be reached
   */
  endFamily(family: string, until: number): Promise<void>
}
