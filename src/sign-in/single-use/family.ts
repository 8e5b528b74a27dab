import type { Clock } from '../../clock.ts'
import { invalidGrant } from '../../oauth/errors.ts'
import type { Store } from '../../store/store.ts'
import { storeKey } from './store-key.ts'

/**
 * The sign-ins that were ended before their time, on request (RFC 7009) or because a token of theirs
 * was replayed (RFC 9700 §4.14.2): no refresh token of an ended family is taken.
 *
 * Every method throws `StoreUnavailable`.
 */
export class Families {
  readonly #store: Store
  readonly #clock: Clock

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** @param until when nothing of the family can be good any more, milliseconds since the epoch */
  async end(family: string, until: number): Promise<void> {
    const left = until - this.#clock.now()
    if (left > 0) await this.#store.set(storeKey('family', family), 'ended', left)
  }

  /** @throws ErrorAnswer `invalid_grant` for an ended family */
  async check(family: string): Promise<void> {
    if ((await this.#store.get(storeKey('family', family))) === undefined) return
    throw invalidGrant(
      'This session was ended, on request or because one of its tokens was used twice; sign in again.',
      'session_revoked',
    )
  }
}
