import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import { invalidGrant, UnusableTokens } from './token-error.ts'

/** For how long a repeated refresh token gets the same answer, in milliseconds. */
export const GRACE = 60_000

/** About 20 MB when full. The tokens that were spent first are forgotten first. */
const MOST_REMEMBERED = 100_000

type Entry<T> =
  | { readonly kind: 'answer'; readonly answer: Promise<T> }
  | { readonly kind: 'over'; readonly error: ErrorAnswer }

/**
 * Lets every refresh token be used once. A client may ask many times at once or lose an answer
 * (HolmesGPT does both), so within the grace each repetition gets the very same answer; later ones,
 * and those of a session that has ended, get a refusal that costs nothing.
 *
 * Holds for this process. What was not decided is not remembered, nor are tokens that could not be
 * used: it may be asked again.
 */
export class SpentTokens<T> {
  readonly #entries = new LRUCache<string, Entry<T>>({ max: MOST_REMEMBERED })
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * The answer for a token: from memory, or made now.
   *
   * @param id names the token
   * @param redeem is called for the first use only
   * @throws ErrorAnswer `invalid_grant` for a token used before the grace, or as `redeem` does
   */
  once(id: string, redeem: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(id)
    if (entry?.kind === 'over') return Promise.reject(entry.error)
    if (entry) return entry.answer
    const answer = redeem()
    this.#entries.set(id, { kind: 'answer', answer })
    answer.then(
      () => this.#clock.after(GRACE, () => this.#set(id, usedBefore())),
      (error: unknown) => {
        if (isFinal(error)) this.#set(id, error)
        else this.#entries.delete(id)
      },
    )
    return answer
  }

  #set(id: string, error: ErrorAnswer): void {
    this.#entries.set(id, { kind: 'over', error })
  }
}

function isFinal(error: unknown): error is ErrorAnswer {
  if (error instanceof UnusableTokens) return false
  return error instanceof ErrorAnswer && error.error === 'invalid_grant'
}

function usedBefore(): ErrorAnswer {
  return invalidGrant(
    'This refresh token was used before, and its successor is the one to use; sign in again if you do not have that.',
    'refresh_token_reused',
  )
}
