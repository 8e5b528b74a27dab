import * as z from 'zod'
import type { Clock } from '../../clock.ts'
import type { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidGrant } from '../../oauth/errors.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import type { Store } from '../../store/store.ts'
import { SESSION_ENDED } from '../sessions/session-ends.ts'
import { GRACE_MS } from './grace.ts'
import type { Redeemable } from './single-use.ts'
import { storeKey } from './store-key.ts'

/** What is known of a value that was redeemed. */
export type Mark =
  | { readonly kind: 'used' }
  /** It was refused for good. */
  | { readonly kind: 'refused'; readonly error: ErrorAnswer }

const refusalShape = z.object({ of: z.string(), description: z.string(), reason: z.string() })

/** Of a code that was used. A session's mark is the newest generation that was. */
const USED = 'used'
const REFUSED = 'refused '

/**
 * The marks by which a replay is known: one for each code until it would have ended, and one for each
 * session until that ends, whatever the number of its refreshes. A refresh token is a replay where its
 * generation is not newer than the mark.
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
    if (mark?.startsWith(REFUSED)) return this.#refusal(value, mark.slice(REFUSED.length))
    return mark !== undefined && isUsed(value, mark) ? { kind: 'used' } : undefined
  }

  async markUsed(value: Redeemable): Promise<void> {
    const before = await this.#store.get(keyOf(value))
    // What the store is told late must not make a newer token good again.
    if (before !== undefined && isUsed(value, before)) return
    const mark = value.kind === 'code' ? USED : String(value.generation)
    await this.#store.set(keyOf(value), mark, this.#leftOf(value))
  }

  /**
   * Remembers an `invalid_grant` with its words: asking the provider again can bring nothing else. Of a
   * refresh token it ends the session.
   */
  async markRefused(value: Redeemable, { message, reason }: ErrorAnswer): Promise<void> {
    const sealed = await seal({ of: markedBy(value), description: message, reason }, this.#keys)
    await this.#store.set(keyOf(value), REFUSED + sealed, this.#leftOf(value))
  }

  async #refusal(value: Redeemable, sealed: string): Promise<Mark> {
    const refusal = refusalShape.safeParse(await open(sealed, this.#keys)).data
    const { description, reason } =
      refusal?.of === markedBy(value)
        ? refusal
        : { description: 'Sign in again.', reason: 'refused' }
    return { kind: 'refused', error: invalidGrant(description, reason) }
  }

  #leftOf(value: Redeemable): number {
    const until = value.kind === 'code' ? value.until : value.familyUntil
    return Math.max(GRACE_MS, until - this.#clock.now())
  }
}

/** What a replay is answered, in the words for what was shown twice. */
export function replayed({ kind }: Redeemable): ErrorAnswer {
  return kind === 'code'
    ? invalidGrant('This code was redeemed before; sign in again.', 'code_reused')
    : invalidGrant(SESSION_ENDED, 'refresh_token_reused')
}

function isUsed(value: Redeemable, mark: string): boolean {
  return value.kind === 'code' ? mark === USED : value.generation <= Number(mark)
}

function markedBy(value: Redeemable): string {
  return value.kind === 'code' ? value.id : value.family
}

/** Codes, which anybody can bring, apart from sessions, which only users have who signed in. */
function keyOf(value: Redeemable): string {
  return value.kind === 'code'
    ? storeKey('code', value.id)
    : storeKey('session', value.family, value.user)
}
