import { LRUCache } from 'lru-cache'
import { atMost } from '../../at-most.ts'
import type { Clock } from '../../clock.ts'
import type { ToolHints } from '../../tool-rules/tool-hints.ts'
import type { ListAnswer } from './ask-for-list.ts'

/** What came of a question, for the calls that wait for it. */
export type QuestionOutcome = 'answered' | 'failed'

/** Milliseconds. Names that no list has must not become a question each. */
const ANSWER_STANDS_MS = 30_000
const FAILURE_STANDS_MS = 5_000

const MOST_AT_ONCE = 16
const MOST_USERS = 10_000

interface Asked {
  readonly outcome: QuestionOutcome
  readonly until: number
}

/**
 * The questions for one upstream's list: one at a time for a user, whatever waits for it (single
 * flight), a bounded number for all of them, and none again for a while after the last.
 */
export class ListQuestions {
  readonly #hints: ToolHints
  readonly #clock: Clock
  readonly #underWay = new Map<string, Promise<QuestionOutcome>>()
  readonly #asked = new LRUCache<string, Asked>(atMost(MOST_USERS))

  constructor(hints: ToolHints, clock: Clock) {
    this.#hints = hints
    this.#clock = clock
  }

  /**
   * Lets the hints learn what the upstream lists for a user.
   *
   * @param user the one text that stands for the user: lists differ by user, and one whose token the
   *   server does not take must not keep another's question out
   * @param ask asks; never rejects
   */
  learn(user: string, ask: () => Promise<ListAnswer>): Promise<QuestionOutcome> {
    const last = this.#asked.get(user)
    if (last !== undefined && this.#clock.now() < last.until) return Promise.resolve(last.outcome)
    const underWay = this.#underWay.get(user)
    if (underWay !== undefined) return underWay
    if (this.#underWay.size >= MOST_AT_ONCE) return Promise.resolve('failed')
    const asking = ask()
      .then((answer) => this.#take(user, answer))
      .finally(() => this.#underWay.delete(user))
    this.#underWay.set(user, asking)
    return asking
  }

  #take(user: string, answer: ListAnswer): QuestionOutcome {
    const now = this.#clock.now()
    const outcome = answer.kind === 'list' ? 'answered' : 'failed'
    const stands = outcome === 'answered' ? ANSWER_STANDS_MS : FAILURE_STANDS_MS
    this.#asked.set(user, { outcome, until: now + stands })
    if (answer.kind === 'list') {
      this.#hints.sawVersion(answer.version, now)
      this.#hints.learn(user, answer.tools, now)
    }
    return outcome
  }
}
