import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import type { ErrorAnswer } from '../../oauth/error-answer.ts'
import { invalidGrant, temporarilyUnavailable } from '../../oauth/errors.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import type { Store } from '../../store/store.ts'
import type { IssuedTokens } from '../token/token-response.ts'
import type { Use } from './single-use.ts'

/** For how long a repeated refresh token gets the same answer, in milliseconds. */
export const GRACE = 60_000

/**
 * For how long a value is one process's to redeem, in milliseconds. More than a redemption takes
 * (10 s), so that it runs out only where a process died meanwhile.
 */
const CLAIMED_FOR = 30_000

/** How one value stands. */
export type Standing =
  /** Nobody used it, and for a while nobody else may. */
  | { readonly kind: 'ours' }
  /** Another process redeems it at the moment. */
  | { readonly kind: 'theirs' }
  /** It was used, and this answer is repeated. */
  | { readonly kind: 'answered'; readonly issued: IssuedTokens }
  | { readonly kind: 'used' }
  /** It was refused for good. */
  | { readonly kind: 'refused'; readonly error: ErrorAnswer }

export interface UseRecordsParts {
  readonly store: Store
  /** Answers hold tokens, and the store is to hold nothing that can be read. */
  readonly keys: KeyRing
  /** Names whoever claims among all that share the store. */
  readonly claimant: string
  readonly clock: Clock
}

const answerShape = z.object({ of: z.string(), issued: z.unknown() })
const refusalShape = z.object({ of: z.string(), description: z.string(), reason: z.string() })

/**
 * What the store knows of codes, refresh tokens and sign-ins, each named by a digest. Of what was
 * used there is a mark until it would have ended anyway, and the answer for the grace.
 *
 * Every method throws `StoreUnavailable`.
 */
export class UseRecords {
  readonly #parts: UseRecordsParts
  readonly #claim: string

  constructor(parts: UseRecordsParts) {
    this.#parts = parts
    this.#claim = `claimed ${parts.claimant}`
  }

  /** Claims a value that nobody used. The answer is looked for first: it is stored before the mark. */
  async claim(use: Use): Promise<Standing> {
    const { store } = this.#parts
    const answered = await this.#answered(use)
    if (answered) return answered
    if (await store.setIfAbsent(markKey(use), this.#claim, CLAIMED_FOR)) return { kind: 'ours' }
    const mark = await store.get(markKey(use))
    // Left over: the store did what it was asked, and we were not told, or could not take it back.
    if (mark === this.#claim) {
      await store.set(markKey(use), this.#claim, CLAIMED_FOR)
      return { kind: 'ours' }
    }
    if (mark === 'used') return (await this.#answered(use)) ?? { kind: 'used' }
    return (await this.#refused(use, mark)) ?? { kind: 'theirs' }
  }

  /** Takes a claim back: the value was not used. */
  async release(use: Use, claimedAt: number): Promise<void> {
    const { store, clock } = this.#parts
    // Later it may be another's.
    if (clock.now() - claimedAt < CLAIMED_FOR) await store.delete(markKey(use))
  }

  /** @param at when it was used, milliseconds since the epoch */
  async spend(use: Use, issued: IssuedTokens, at: number): Promise<void> {
    const { store, keys, clock } = this.#parts
    if (use.repeated === 'same answer') {
      // With what it is of: whoever can write into the store can put it under another name.
      const sealed = await seal({ of: use.id, issued }, keys)
      const grace = GRACE - (clock.now() - at)
      if (grace > 0) await store.set(answerKey(use), sealed, grace)
    }
    await store.set(markKey(use), 'used', this.#leftOf(use))
  }

  async refuse(use: Use, { message, reason }: ErrorAnswer): Promise<void> {
    const { store, keys } = this.#parts
    const sealed = await seal({ of: use.id, description: message, reason }, keys)
    await store.set(markKey(use), `refused ${sealed}`, this.#leftOf(use))
  }

  /** @param until milliseconds since the epoch */
  async endFamily(family: string, until: number): Promise<void> {
    const { store, clock } = this.#parts
    const left = until - clock.now()
    if (left > 0) await store.set(familyKey(family), 'ended', left)
  }

  async isEnded(family: string): Promise<boolean> {
    return (await this.#parts.store.get(familyKey(family))) !== undefined
  }

  async #answered(use: Use): Promise<Standing | undefined> {
    const { store, keys } = this.#parts
    const sealed = await store.get(answerKey(use))
    if (sealed === undefined) return undefined
    const answer = answerShape.safeParse(await open(sealed, keys)).data
    // Made by ourselves: nobody else has the keys.
    if (answer?.of === use.id) return { kind: 'answered', issued: answer.issued as IssuedTokens }
    throw temporarilyUnavailable(
      'Another process of this server answered, with a sealing key that is not here yet; try again shortly.',
      { retryAfter: 5, reason: 'sealing_key_unknown' },
    )
  }

  async #refused({ id }: Use, mark = ''): Promise<Standing | undefined> {
    const [kind, sealed = ''] = mark.split(' ')
    if (kind !== 'refused') return undefined
    const refusal = refusalShape.safeParse(await open(sealed, this.#parts.keys)).data
    const { description, reason } =
      refusal?.of === id ? refusal : { description: 'Sign in again.', reason: 'refused' }
    return { kind: 'refused', error: invalidGrant(description, reason) }
  }

  #leftOf({ until }: Use): number {
    return Math.max(GRACE, until - this.#parts.clock.now())
  }
}

/** Codes, which anybody can bring, apart from refresh tokens, which only people have who signed in. */
function markKey({ id, repeated }: Use): string {
  return `${repeated === 'refused' ? 'code' : 'use'}:${digest(id)}`
}

function answerKey({ id }: Use): string {
  return `answer:${digest(id)}`
}

function familyKey(family: string): string {
  return `family:${digest(family)}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
