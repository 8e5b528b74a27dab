/**
 * What a token request may take, part by part, in milliseconds: a client is answered within 10 s,
 * whatever hangs. The parts of the identity provider and of the store have their limits there.
 */
export const ANSWER_MS = 10_000

/** Asking the identity provider and judging its tokens end by then, counted from the asking. */
export const EXCHANGE_MS = 9_500

/** For how long another process's redemption of the same code or token is waited for. */
export const WAIT_FOR_ANOTHER_MS = 9_500

/** Whoever waited longer for a redemption that failed does not begin another: there is no time left. */
export const WAIT_BEFORE_REDEEMING_MS = 1_500
