import type { Clock } from '../clock.ts'

/** Whether a request with these Authorization values would be let in now. */
export type StreamJudge = (
  resource: string,
  authorization: readonly string[],
) => boolean | Promise<boolean>

/** Whose exchange it is, and what ends it. */
export interface ExchangeOwner {
  /** A call may finish; a stream (GET, or what subscribes) lives as long as its token. */
  readonly kind: 'call' | 'stream'
  readonly resource: string
  /** The one text that stands for the user. */
  readonly user: string
  /** Milliseconds since the epoch: the end of the token it was opened with. */
  readonly expiresAt: number
  /** How many calls it counts for: the requests in its body but subscriptions. */
  readonly calls: number
  /** Only notifications and responses: a call that waits for a response must not keep it out. */
  readonly isOneWay: boolean
  /** Shows the judge the Authorization values, which are in no property. */
  judgedBy(judge: StreamJudge): boolean | Promise<boolean>
}

/** An exchange that is under way. */
export interface OpenExchange {
  readonly owner: ExchangeOwner
  /** Where the list of all has it, which alone writes it. */
  place: number
  /** Milliseconds: how late a tick may be. */
  readonly tickEvery: number
  /** Ends it: a stream cleanly, a call as one that was cut. */
  end(): void
  /** Does what time demands: keeps a silent stream alive, ends what stands still. */
  tick(now: number): void
}

export interface UserLimits {
  readonly calls_per_user: number
  readonly streams_per_user: number
}

const SWEPT_EVERY_MS = 5_000
/** What answers nothing has a bound of its own, beside that of calls. */
const ONE_WAY_FACTOR = 2
/** A call in progress may finish within this time after its token. */
const CALL_AFTER_TOKEN_MS = 600_000
/** How often each stream's token is judged again. */
const JUDGED_EVERY_MS = 10_000

interface Counts {
  calls: number
  streams: number
}

const NOTHING: Readonly<Counts> = { calls: 0, streams: 0 }

/**
 * The exchanges under way, of every configuration that still serves one: counted per user and
 * resource, since one user must not take what serves all, and ended with their tokens. One timer for
 * all: an exchange costs an entry.
 */
export class OpenExchanges {
  /**
   * No set: one that grows and shrinks is copied each time its table is full, and the tables of before
   * keep what was in them, and each other, past every small collection (12 µs of 105 for each call).
   */
  readonly #exchanges: OpenExchange[] = []
  /** By resource, then by user. */
  readonly #users = new Map<string, Map<string, Counts>>()
  readonly #clock: Clock
  #streams = 0
  #judge: StreamJudge = () => true
  #judgedAt = 0
  #sweptEvery = SWEPT_EVERY_MS
  #stopSweeping: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many of them are streams. */
  get streams(): number {
    return this.#streams
  }

  /** How many are not. */
  get calls(): number {
    return this.#exchanges.length - this.#streams
  }

  /** Whether one more would be too many for its user. One that is alone always fits. */
  isTooMany(owner: ExchangeOwner, limits: UserLimits): boolean {
    const { calls, streams } = this.#users.get(owner.resource)?.get(owner.user) ?? NOTHING
    if (owner.kind === 'stream' && streams >= limits.streams_per_user) return true
    const most = limits.calls_per_user * (owner.isOneWay ? ONE_WAY_FACTOR : 1)
    return owner.calls > 0 && calls > 0 && calls + owner.calls > most
  }

  add(exchange: OpenExchange): void {
    exchange.place = this.#exchanges.push(exchange) - 1
    this.#count(exchange.owner, 1)
    if (exchange.tickEvery < this.#sweptEvery) {
      this.#stopSweeping?.()
      this.#stopSweeping = undefined
      this.#sweptEvery = exchange.tickEvery
    }
    this.#sweepLater()
  }

  remove(exchange: OpenExchange): void {
    const { place } = exchange
    if (this.#exchanges[place] !== exchange) return
    const last = this.#exchanges.pop()
    if (last !== undefined && last !== exchange) {
      this.#exchanges[place] = last
      last.place = place
    }
    this.#count(exchange.owner, -1)
  }

  /** Ends every stream, for a stop. */
  endStreams(): void {
    for (const exchange of this.#all()) if (exchange.owner.kind === 'stream') exchange.end()
  }

  /** Judges the streams by this from now on, and at once: a reload ends what it would refuse. */
  judgeBy(judge: StreamJudge): void {
    this.#judge = judge
    this.#judgeStreams()
  }

  /** As they are now: what ends leaves the list. */
  #all(): readonly OpenExchange[] {
    return [...this.#exchanges]
  }

  #judgeStreams(): void {
    this.#judgedAt = this.#clock.now()
    for (const exchange of this.#all()) {
      if (exchange.owner.kind === 'stream') this.#judgeStream(exchange)
    }
  }

  /** A judgement that fails ends nothing: the token's end will. */
  #judgeStream(exchange: OpenExchange): void {
    const verdict = exchange.owner.judgedBy(this.#judge)
    const conclude = (permitted: boolean): void => {
      if (!permitted) exchange.end()
    }
    if (verdict instanceof Promise) verdict.then(conclude, () => undefined)
    else conclude(verdict)
  }

  #count(owner: ExchangeOwner, sign: 1 | -1): void {
    const { resource, user } = owner
    let users = this.#users.get(resource)
    if (users === undefined) {
      users = new Map()
      this.#users.set(resource, users)
    }
    let counts = users.get(user)
    if (counts === undefined) {
      counts = { calls: 0, streams: 0 }
      users.set(user, counts)
    }
    counts.calls += sign * owner.calls
    if (owner.kind === 'stream') {
      counts.streams += sign
      this.#streams += sign
    }
    if (counts.calls === 0 && counts.streams === 0) users.delete(user)
  }

  #sweepLater(): void {
    this.#stopSweeping ??= this.#clock.after(this.#sweptEvery, () => {
      this.#stopSweeping = undefined
      this.#sweep()
      if (this.#exchanges.length > 0) this.#sweepLater()
    })
  }

  #sweep(): void {
    const now = this.#clock.now()
    this.#sweptEvery = SWEPT_EVERY_MS
    for (const exchange of this.#all()) {
      const { kind, expiresAt } = exchange.owner
      const endsAt = kind === 'stream' ? expiresAt : expiresAt + CALL_AFTER_TOKEN_MS
      if (endsAt <= now) exchange.end()
      else exchange.tick(now)
      this.#sweptEvery = Math.min(this.#sweptEvery, exchange.tickEvery)
    }
    if (now - this.#judgedAt >= JUDGED_EVERY_MS) this.#judgeStreams()
  }
}
