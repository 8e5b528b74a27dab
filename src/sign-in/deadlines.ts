/**
 * What a token request may take, part by part, in milliseconds: a client is answered within 10 s,
 * whatever hangs. The store and the identity provider have limits of their own, which fit in here.
 */
export const ANSWER_MS = 10_000

/** Asking the identity provider and judging its tokens, together. */
export const EXCHANGE_MS = 7_500

/** Whoever waited longer for a redemption that failed does not begin another: there is no time left. */
export const WAIT_BEFORE_REDEEMING_MS = 1_500

/** For how long another process's redemption of the same code or token is waited for. */
export const WAIT_FOR_ANOTHER_MS = 8_500

/** How often it is looked whether that has ended. */
export const PAUSE_MS = { first: 20, longest: 200 } as const
