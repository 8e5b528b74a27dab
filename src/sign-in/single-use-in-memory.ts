import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import type { IssuedTokens } from './issued-tokens.ts'
import type { SingleUse, Use } from './single-use.ts'
import { SpentTokens } from './spent-tokens.ts'
import { invalidGrant } from './token-error.ts'

const MOST_REMEMBERED = 100_000

/** Single use within this process. A repetition ends nothing but itself. */
export class SingleUseInMemory implements SingleUse {
  readonly #spent: SpentTokens<IssuedTokens>
  readonly #ended = new LRUCache<string, true>({ max: MOST_REMEMBERED })

  constructor(clock: Clock) {
    this.#spent = new SpentTokens(clock)
  }

  async once(use: Use, redeem: () => Promise<IssuedTokens>): Promise<IssuedTokens> {
    if (this.#ended.has(use.family)) {
      throw invalidGrant('This session was ended; sign in again.', 'family_ended')
    }
    let first = false
    const issued = await this.#spent.once(use.id, () => {
      first = true
      return redeem()
    })
    if (first || use.repeated === 'same answer') return issued
    throw invalidGrant('This code was redeemed before; sign in again.', 'code_reused')
  }

  async endFamily(family: string): Promise<void> {
    this.#ended.set(family, true)
  }
}
