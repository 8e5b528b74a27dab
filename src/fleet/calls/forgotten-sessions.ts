import type { Clock } from '../../clock.ts'
import { mapAtMost } from '../concurrency.ts'
import { endForgottenSession } from './end-member-session.ts'
import type { KnownMember } from './known-members.ts'

const ENDED_AT_ONCE = 16
/** What is beyond is left to the clusters' own patience. */
const MOST_WAITING = 1_000
const STOPPED_WITHIN_MS = 2_000

/** Ends the sessions at clusters that nobody uses any more: some at a time, and none of them surely. */
export class ForgottenSessions {
  readonly #clock: Clock
  readonly #waiting: KnownMember[] = []
  #underWay = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  end(known: KnownMember): void {
    if (known.era !== 'legacy' || known.usedBy === undefined) return
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(known)
    if (this.#underWay < ENDED_AT_ONCE) void this.#work()
  }

  /** Ends all of these before the process does, or does not. */
  async endAll(all: readonly KnownMember[]): Promise<void> {
    const signal = AbortSignal.timeout(STOPPED_WITHIN_MS)
    const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve))
    const ending = mapAtMost(all, ENDED_AT_ONCE, (known) =>
      endForgottenSession(known, this.#clock, signal).catch(() => undefined),
    )
    await Promise.race([ending, stopped])
  }

  async #work(): Promise<void> {
    this.#underWay += 1
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await endForgottenSession(next, this.#clock).catch(() => undefined)
    }
    this.#underWay -= 1
  }
}
