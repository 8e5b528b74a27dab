import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import type { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidGrant } from '../../oauth/errors.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import type { Store } from '../../store/store.ts'
import { GRACE_MS } from './grace.ts'
import type { Redeemable } from './single-use.ts'
import { storeKey } from './store-key.ts'

/** What is known of a value that was redeemed. */
export type Mark =
  | { readonly kind: 'used' }
  /** It was refused for good. */
  | { readonly kind: 'refused'; readonly error: ErrorAnswer }

const refusalShape = z.object({ of: z.string(), description: z.string(), reason: z.string() })

/**
 * The marks by which a replay is known: a code or refresh token that was redeemed has one until it
 * would have ended anyway.
 *
 * Every method throws `StoreUnavailable`.
 */
export class ReplayMarks {
  readonly #store: Store
  readonly #keys: KeyRing
  readonly #clock: Clock

  constructor(store: Store, keys: KeyRing, clock: Clock) {
    this.#store = store
    this.#keys = keys
    this.#clock = clock
  }

  /** @returns `undefined` for a value that was not used */
  async find(value: Redeemable): Promise<Mark | undefined> {
    const mark = await this.#store.get(keyOf(value))
    if (mark === undefined || mark === 'used') return mark && { kind: mark }
    const sealed = mark.slice(mark.indexOf(' ') + 1)
    const refusal = refusalShape.safeParse(await open(sealed, this.#keys)).data
    const { description, reason } =
      refusal?.of === value.id ? refusal : { description: 'Sign in again.', reason: 'refused' }
    return { kind: 'refused', error: invalidGrant(description, reason) }
  }

  async markUsed(value: Redeemable): Promise<void> {
    await this.#store.set(keyOf(value), 'used', this.#leftOf(value))
  }

  /** Remembers an `invalid_grant` with its words: asking the provider again can bring nothing else. */
  async markRefused(value: Redeemable, { message, reason }: ErrorAnswer): Promise<void> {
    const sealed = await seal({ of: value.id, description: message, reason }, this.#keys)
    await this.#store.set(keyOf(value), `refused ${sealed}`, this.#leftOf(value))
  }

  #leftOf({ until }: Redeemable): number {
    return Math.max(GRACE_MS, until - this.#clock.now())
  }
}

/** What a replay is answered, in the words for what was shown twice. */
export function replayed({ kind }: Redeemable): ErrorAnswer {
  return kind === 'code'
    ? invalidGrant('This code was redeemed before; sign in again.', 'code_reused')
    : invalidGrant(
        'This refresh token was used before; use the one that came with its answer, or sign in again.',
        'refresh_token_reused',
      )
}

/** Codes, which anybody can bring, apart from refresh tokens, which only users have who signed in. */
function keyOf({ kind, id }: Redeemable): string {
  return storeKey(kind === 'code' ? 'code' : 'use', id)
}
