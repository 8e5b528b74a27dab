import type { Clock } from '../../clock.ts'
import { ErrorAnswer, UnusableTokens } from '../../oauth/error-answer.ts'
import { temporarilyUnavailable } from '../../oauth/errors.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { type Store, StoreUnavailable } from '../../store/store.ts'
import { PAUSE_MS, WAIT_BEFORE_REDEEMING_MS, WAIT_FOR_ANOTHER_MS } from '../deadlines.ts'
import type { SessionEnds } from '../sessions/session-ends.ts'
import type { IssuedTokens } from '../token/token-response.ts'
import { Claims } from './claim.ts'
import { GraceAnswers } from './grace.ts'
import { ReplayMarks, replayed } from './replay.ts'
import type { Redeemable, SingleUse } from './single-use.ts'
import { UnstoredUses } from './unstored.ts'

export interface SingleUseParts {
  readonly store: Store
  /** Those of purpose `stored answer`. */
  readonly keys: KeyRing
  readonly ends: SessionEnds
  readonly clock: Clock
}

/** How a value stands that this process was shown. */
type Standing =
  /** Nobody used it, and the claim is ours. */
  | { readonly kind: 'ours' }
  /** Another process redeems it at the moment. */
  | { readonly kind: 'theirs' }
  /** It was used, and its answer is repeated within the grace. */
  | { readonly kind: 'answered'; readonly issued: IssuedTokens }
  | { readonly kind: 'used' }
  | { readonly kind: 'refused'; readonly error: ErrorAnswer }

/**
 * Single use over a store: in this process the first one redeems and the others wait for it; among
 * processes the one that has the claim. A replay is refused, and that of a refresh token ends the family (RFC 9700 §4.14.2, RFC 6749 §4.1.2).
 */
export function createSingleUse(parts: SingleUseParts): SingleUse {
  return new StoredSingleUse(parts)
}

class StoredSingleUse implements SingleUse {
  readonly #clock: Clock
  readonly #sharedStore: boolean
  readonly #claims: Claims
  readonly #marks: ReplayMarks
  readonly #grace: GraceAnswers
  readonly #ends: SessionEnds
  readonly #unstored: UnstoredUses
  readonly #flights = new Map<string, Promise<IssuedTokens>>()

  constructor({ store, keys, ends, clock }: SingleUseParts) {
    this.#clock = clock
    this.#sharedStore = store.shared
    this.#claims = new Claims(store, clock)
    this.#marks = new ReplayMarks(store, keys, clock)
    this.#grace = new GraceAnswers(store, keys, clock)
    this.#ends = ends
    this.#unstored = new UnstoredUses(clock, (value, { issued, at }) =>
      this.#spend(value, issued, at),
    )
  }

  async once(value: Redeemable, redeem: () => Promise<IssuedTokens>): Promise<IssuedTokens> {
    const flight = this.#flights.get(value.id)
    if (flight) {
      const issued = await flight
      return value.kind === 'refresh_token' ? issued : this.#refuseReplay(value)
    }
    const own = withStore(() => this.#first(value, redeem)).finally(() =>
      this.#flights.delete(value.id),
    )
    this.#flights.set(value.id, own)
    return own
  }

  endFamily(family: string, until: number): Promise<void> {
    return withStore(() => this.#ends.endFamily(family, until))
  }

  async #first(value: Redeemable, redeem: () => Promise<IssuedTokens>): Promise<IssuedTokens> {
    await this.#ends.check(value.family, value.session)
    const standing = this.#unstoredStanding(value) ?? (await this.#settled(value))
    if (standing.kind === 'ours') return this.#redeem(value, redeem)
    if (standing.kind === 'refused') throw standing.error
    if (standing.kind === 'answered' && value.kind === 'refresh_token') return standing.issued
    return this.#refuseReplay(value)
  }

  #unstoredStanding(value: Redeemable): Standing | undefined {
    const found = this.#unstored.find(value)
    if (found === undefined || found === 'used') return found && { kind: found }
    return { kind: 'answered', issued: found }
  }

  /** How a value stands once nobody else redeems it any more. */
  async #settled(value: Redeemable): Promise<Exclude<Standing, { kind: 'theirs' }>> {
    const began = this.#clock.now()
    for (let pause: number = PAUSE_MS.first; ; pause = Math.min(2 * pause, PAUSE_MS.longest)) {
      const standing = await this.#standing(value)
      const waited = this.#clock.now() - began
      if (standing.kind === 'ours' && waited > WAIT_BEFORE_REDEEMING_MS) {
        await this.#claims.release(value, this.#clock.now())
        throw stillRedeemed()
      }
      if (standing.kind !== 'theirs') return standing
      if (waited >= WAIT_FOR_ANOTHER_MS) throw stillRedeemed()
      await new Promise<void>((resolve) => this.#clock.after(pause, resolve))
    }
  }

  async #standing(value: Redeemable): Promise<Standing> {
    const issued = await this.#grace.find(value)
    if (issued) return { kind: 'answered', issued }
    const ours = await this.#claims.take(value)
    // After the claim (TOCTOU): whoever had it may have ended between two looks.
    const mark = await this.#marks.find(value)
    if (!mark) return { kind: ours ? 'ours' : 'theirs' }
    if (ours) await this.#claims.release(value, this.#clock.now())
    if (mark.kind === 'refused') return mark
    const answered = await this.#grace.find(value)
    return answered ? { kind: 'answered', issued: answered } : mark
  }

  async #redeem(value: Redeemable, redeem: () => Promise<IssuedTokens>): Promise<IssuedTokens> {
    const claimedAt = this.#clock.now()
    let issued: IssuedTokens
    try {
      issued = await redeem()
    } catch (error) {
      // What the client is told stays the same; the claim is then left over, for a while.
      await this.#tellFailure(value, error, claimedAt).catch(ignoreUnavailable)
      throw error
    }
    const at = this.#clock.now()
    await this.#spend(value, issued, at).catch((error: unknown) => {
      ignoreUnavailable(error)
      this.#unstored.keep(value, { issued, at })
    })
    return issued
  }

  async #tellFailure(value: Redeemable, error: unknown, claimedAt: number): Promise<void> {
    if (isFinal(error)) await this.#marks.markRefused(value, error)
    else await this.#claims.release(value, claimedAt)
  }

  /**
   * The answer before the mark: whoever sees that a token was used must find its answer. The claim runs
   * out by itself; it means nothing beside a mark.
   */
  async #spend(value: Redeemable, issued: IssuedTokens, at: number): Promise<void> {
    await this.#grace.keep(value, issued, at)
    await this.#marks.markUsed(value)
  }

  async #refuseReplay(value: Redeemable): Promise<never> {
    // Without a shared store a code that comes twice costs nobody a session: clients post them twice.
    if (value.kind === 'refresh_token' || this.#sharedStore) {
      await this.endFamily(value.family, value.familyUntil)
    }
    throw replayed(value)
  }
}

/** @throws ErrorAnswer 503 where the store is not to be had */
async function withStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    throw temporarilyUnavailable(
      'The session store is unreachable. Your session is intact; retry in a few seconds.',
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
    'Another process of this server is redeeming the same code or token, or has just failed to; retry in a few seconds.',
    { retryAfter: 5, reason: 'still_redeemed' },
  )
}
