import { LRUCache } from 'lru-cache'
import { atMost } from '../../at-most.ts'
import type { Clock } from '../../clock.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'

const MINUTE_MS = 60_000
const MOST_SESSIONS = 20_000

/**
 * Rate limit of refreshes: how often the identity provider is asked for one session. A client that
 * refreshes without end would otherwise spend our request budget there, which is everybody's.
 */
export class RefreshRate {
  readonly #most: number
  readonly #clock: Clock
  readonly #windows: LRUCache<string, { count: number; readonly until: number }>

  /** @param most of one session in a minute, in this process */
  constructor(most: number, clock: Clock) {
    this.#most = most
    this.#clock = clock
    this.#windows = new LRUCache({
      ...atMost(MOST_SESSIONS),
      ttl: MINUTE_MS,
      ttlResolution: 0,
      perf: { now: () => clock.now() },
    })
  }

  /** @throws ErrorAnswer 429 for one too many, which costs nothing and spends nothing */
  count(session: string): void {
    const now = this.#clock.now()
    const window = this.#windows.get(session)
    if (window === undefined || window.until <= now)
      this.#windows.set(session, { count: 1, until: now + MINUTE_MS })
    else if (window.count >= this.#most) throw tooMany(this.#most, window.until - now)
    else window.count += 1
  }
}

function tooMany(most: number, milliseconds: number): ErrorAnswer {
  const seconds = Math.max(1, Math.ceil(milliseconds / 1000))
  return new ErrorAnswer({
    status: 429,
    error: 'too_many_requests',
    description: `This session was refreshed more than ${most} times in a minute (limits.sign_ins_per_minute); try again in ${seconds} seconds.`,
    headers: { 'retry-after': String(seconds) },
    reason: 'sign_ins_per_minute',
  })
}
