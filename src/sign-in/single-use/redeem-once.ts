import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidGrant, temporarilyUnavailable, UnusableTokens } from '../../oauth/errors.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { type Store, StoreUnavailable } from '../../store/store.ts'
import type { IssuedTokens } from '../token/token-response.ts'
import type { SingleUse, Use } from './single-use.ts'
import { GRACE, type Standing, UseRecords } from './use-records.ts'

/** For how long another process's redemption is waited for, in milliseconds. */
const LONGEST_WAIT = 9_500
/**
 * Whoever waited longer for one that came to nothing does not begin another, in milliseconds: with that
 * the client would wait for more than 10 s.
 */
const LONGEST_WAIT_TO_REDEEM = 1_500
/** Milliseconds; how often is looked whether it has ended. */
const PAUSES = { first: 20, longest: 200 }
/** Milliseconds. */
const STORE_AGAIN_AFTER = 1_000

export interface SingleUseParts {
  readonly store: Store
  /** Those of purpose `stored answer`. */
  readonly keys: KeyRing
  readonly clock: Clock
}

/** A value that was used, which the store was not told of. */
interface Unstored {
  readonly issued: IssuedTokens
  /** When it was used, milliseconds since the epoch. */
  readonly at: number
}

/**
 * Single use over a store: in this process the first one redeems and the others wait for it; among
 * processes the one that can claim the value. Whether a repetition ends the whole sign-in
 * (RFC 9700 §4.14.2, RFC 6749 §4.1.2) depends on whether the store is shared.
 */
export function createSingleUse(parts: SingleUseParts): SingleUse {
  return new StoredSingleUse(parts)
}

class StoredSingleUse implements SingleUse {
  readonly #parts: SingleUseParts
  readonly #records: UseRecords
  readonly #flights = new Map<string, Promise<IssuedTokens>>()
  readonly #unstored = new Map<string, Unstored>()

  constructor(parts: SingleUseParts) {
    this.#parts = parts
    this.#records = new UseRecords({ ...parts, claimant: randomUUID() })
  }

  async once(use: Use, redeem: () => Promise<IssuedTokens>): Promise<IssuedTokens> {
    const flight = this.#flights.get(use.id)
    if (flight) {
      const issued = await flight
      return use.repeated === 'same answer' ? issued : this.#refuseReuse(use)
    }
    const own = reachable(() => this.#first(use, redeem)).finally(() =>
      this.#flights.delete(use.id),
    )
    this.#flights.set(use.id, own)
    return own
  }

  endFamily(family: string, until: number): Promise<void> {
    return reachable(() => this.#records.endFamily(family, until))
  }

  async #first(use: Use, redeem: () => Promise<IssuedTokens>): Promise<IssuedTokens> {
    if (await this.#records.isEnded(use.family)) throw familyEnded()
    const standing = this.#unstoredStanding(use) ?? (await this.#decided(use))
    if (standing.kind === 'ours') return this.#redeem(use, redeem)
    if (standing.kind === 'refused') throw standing.error
    if (standing.kind === 'answered' && use.repeated === 'same answer') return standing.issued
    return this.#refuseReuse(use)
  }

  /** How a value stands once nobody else redeems it any more. */
  async #decided(use: Use): Promise<Standing> {
    const { clock } = this.#parts
    const began = clock.now()
    for (let pause = PAUSES.first; ; pause = Math.min(2 * pause, PAUSES.longest)) {
      const standing = await this.#records.claim(use)
      const waited = clock.now() - began
      if (standing.kind === 'ours' && waited > LONGEST_WAIT_TO_REDEEM) {
        await this.#records.release(use, clock.now())
        throw stillRedeemed()
      }
      if (standing.kind !== 'theirs') return standing
      if (waited >= LONGEST_WAIT) throw stillRedeemed()
      await new Promise<void>((resolve) => clock.after(pause, resolve))
    }
  }

  async #redeem(use: Use, redeem: () => Promise<IssuedTokens>): Promise<IssuedTokens> {
    const { clock } = this.#parts
    const claimedAt = clock.now()
    let issued: IssuedTokens
    try {
      issued = await redeem()
    } catch (error) {
      const told = isFinal(error)
        ? this.#records.refuse(use, error)
        : this.#records.release(use, claimedAt)
      // What the client is told stays the same; the claim is then left over, for a while.
      await told.catch(ignoreUnavailable)
      throw error
    }
    const at = clock.now()
    await this.#records.spend(use, issued, at).catch((error: unknown) => {
      ignoreUnavailable(error)
      this.#keep(use, { issued, at })
    })
    return issued
  }

  /**
   * The store went away during the redemption. The identity provider has spent its side, so the
   * client gets the answer, and this process goes on telling the store until it takes it. Until
   * then only this process knows that the value was used: once the claim has run out, another one
   * would ask the identity provider with it again.
   */
  #keep(use: Use, unstored: Unstored): void {
    const { clock } = this.#parts
    this.#unstored.set(use.id, unstored)
    clock.after(STORE_AGAIN_AFTER, () => {
      this.#records.spend(use, unstored.issued, unstored.at).then(
        () => this.#unstored.delete(use.id),
        () => {
          if (clock.now() < use.until) this.#keep(use, unstored)
          else this.#unstored.delete(use.id)
        },
      )
    })
  }

  #unstoredStanding({ id }: Use): Standing | undefined {
    const unstored = this.#unstored.get(id)
    if (!unstored) return undefined
    const withinGrace = this.#parts.clock.now() - unstored.at < GRACE
    return withinGrace ? { kind: 'answered', issued: unstored.issued } : { kind: 'used' }
  }

  async #refuseReuse(use: Use): Promise<never> {
    const { store } = this.#parts
    if (store.shared) await this.endFamily(use.family, use.familyUntil)
    throw use.repeated === 'refused' ? codeReused() : refreshTokenReused()
  }
}

/** @throws ErrorAnswer 503 where the store is not to be had */
async function reachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    throw temporarilyUnavailable(
      'What this server remembers sign-ins in cannot be reached at the moment; nothing is lost, try again shortly.',
      { retryAfter: 5, reason: `store_unavailable:${error.reason}` },
    )
  }
}

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof StoreUnavailable)) throw error
}

/** Whether asking again can bring nothing else. */
function isFinal(error: unknown): error is ErrorAnswer {
  if (error instanceof UnusableTokens) return false
  return error instanceof ErrorAnswer && error.error === 'invalid_grant'
}

function stillRedeemed(): ErrorAnswer {
  return temporarilyUnavailable(
    'Another process of this server redeems the same at the moment, or tried and could not; try again shortly.',
    { retryAfter: 5, reason: 'still_redeemed' },
  )
}

function familyEnded(): ErrorAnswer {
  return invalidGrant(
    'This session was ended, on request or because one of its tokens was used twice; sign in again.',
    'session_revoked',
  )
}

function refreshTokenReused(): ErrorAnswer {
  return invalidGrant(
    'This refresh token was used before, and its successor is the one to use; sign in again if you do not have that.',
    'refresh_token_reused',
  )
}

function codeReused(): ErrorAnswer {
  return invalidGrant('This code was redeemed before; sign in again.', 'code_reused')
}
