import * as z from 'zod'
import type { Clock } from '../../clock.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import type { Store } from '../../store/store.ts'
import type { IssuedTokens } from '../token/token-response.ts'
import type { Redeemable } from './single-use.ts'
import { storeKey } from './store-key.ts'

/** For how long a refresh token that is shown again gets the same answer, in milliseconds. */
export const GRACE_MS = 60_000

const answerShape = z.object({ of: z.string(), issued: z.unknown() })

/**
 * The answers to refresh tokens, for the grace: a client whose answer was lost on its way, or that
 * refreshes many times at once, is no thief. Sealed, because answers hold tokens and the store is to
 * hold nothing that can be read.
 *
 * Every method throws `StoreUnavailable`.
 */
export class GraceAnswers {
  readonly #store: Store
  readonly #keys: KeyRing
  readonly #clock: Clock

  constructor(store: Store, keys: KeyRing, clock: Clock) {
    this.#store = store
    this.#keys = keys
    this.#clock = clock
  }

  /**
   * @param at when it was issued, milliseconds since the epoch; the grace counts from there, however
   *   often the token is shown
   */
  async keep({ kind, id, user }: Redeemable, issued: IssuedTokens, at: number): Promise<void> {
    if (kind === 'code') return
    // With what it is of: whoever can write into the store can put it under another name.
    const sealed = await seal({ of: id, issued }, this.#keys)
    const left = GRACE_MS - (this.#clock.now() - at)
    if (left > 0) await this.#store.set(storeKey('answer', id, user), sealed, left)
  }

  /** @throws ErrorAnswer 503 for an answer that was sealed with a key that is not here yet */
  async find({ kind, id, user }: Redeemable): Promise<IssuedTokens | undefined> {
    const sealed = kind === 'code' ? undefined : await this.#store.get(storeKey('answer', id, user))
    if (sealed === undefined) return undefined
    const answer = answerShape.safeParse(await open(sealed, this.#keys)).data
    // Made by ourselves: nobody else has the keys.
    if (answer?.of === id) return answer.issued as IssuedTokens
    throw temporarilyUnavailable(
      'Another process of this server answered with a sealing key that this one does not have yet; retry in a few seconds.',
      { retryAfter: 5, reason: 'sealing_key_unknown' },
    )
  }
}
