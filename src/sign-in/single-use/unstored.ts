import type { Clock } from '../../clock.ts'
import type { IssuedTokens } from '../token/token-response.ts'
import { GRACE_MS } from './grace.ts'
import type { Redeemable } from './single-use.ts'

const RETRY_MS = 1_000

/** A value that was used, which the store was not told of. */
export interface UnstoredUse {
  readonly issued: IssuedTokens
  /** When it was used, milliseconds since the epoch. */
  readonly at: number
}

type Tell = (value: Redeemable, use: UnstoredUse) => Promise<void>

/**
 * What happened while the store was away. The identity provider has spent its side of the grant, so
 * that the client had its answer, and this process goes on telling the store until it takes it. Until
 * then only this process knows that the value was used: once its claim has run out, another one would
 * ask the identity provider with it again.
 */
export class UnstoredUses {
  readonly #uses = new Map<string, UnstoredUse>()
  readonly #clock: Clock
  readonly #tell: Tell

  /** @param tell tells the store; rejects while that is away */
  constructor(clock: Clock, tell: Tell) {
    this.#clock = clock
    this.#tell = tell
  }

  keep(value: Redeemable, use: UnstoredUse): void {
    this.#uses.set(value.id, use)
    this.#clock.after(RETRY_MS, () => {
      this.#tell(value, use).then(
        () => this.#uses.delete(value.id),
        () => {
          if (this.#clock.now() < value.familyUntil) this.keep(value, use)
          else this.#uses.delete(value.id)
        },
      )
    })
  }

  /** @returns the answer within the grace, `used` after it, and `undefined` for what was not kept */
  find({ id }: Redeemable): IssuedTokens | 'used' | undefined {
    const use = this.#uses.get(id)
    return use && (this.#clock.now() - use.at < GRACE_MS ? use.issued : 'used')
  }
}
