import type { Clock } from '../../clock.ts'
import { asDocumentError, type DocumentError } from '../../net/document-error.ts'

/** A document, and how old it is. */
export interface Fetched<T> {
  readonly value: T
  /** When the fetch that brought it began, in milliseconds since the epoch. */
  readonly fetchedAt: number
}

/** One finished fetch. */
export interface FetchAttempt<T> {
  /** Milliseconds. */
  readonly duration: number
  /** What is kept from now on; absent: the fetch failed and what was kept stays. */
  readonly kept?: Fetched<T>
  readonly previous?: Fetched<T>
  readonly error?: DocumentError
}

/** Where a document comes from and how long it counts. */
export interface RefreshingDocumentOptions<T> {
  readonly clock: Clock
  /** Fetches and parses; whatever it throws counts as a failed fetch. */
  readonly load: () => Promise<T>
  /** How long after a good fetch began the next one begins, in milliseconds. */
  readonly refreshEvery: number
  /** How long after a good fetch began its document still counts while others fail, in milliseconds. */
  readonly staleFor: number
  readonly onAttempt: (attempt: FetchAttempt<T>) => void
}

/** Backoff, from the beginning of a failed fetch, which takes 5 s at most, to that of the next. */
const LONGEST_BACKOFF_MS = 10_000
const SHORTEST_BACKOFF_MS = 1_000
/** A machine that slept wakes up with timers that are late: look at the clock this often. */
const LONGEST_TIMER_MS = 10_000

/**
 * One document of the identity provider, refreshed in the background: a single fetch in flight, the
 * next one before the document runs out, exponential backoff while fetches fail, and stale-if-error:
 * the last good document does until it is `staleFor` old. Then it fails closed: there is none.
 *
 * Not an lru-cache entry, since age, backoff and the time a fetch began are the substance here and
 * that cache would only add its single slot.
 */
export class RefreshingDocument<T> {
  readonly #options: RefreshingDocumentOptions<T>
  #kept: Fetched<T> | undefined
  #lastError: DocumentError | undefined
  #inFlight: Promise<boolean> | undefined
  #dueAt = 0
  #failures = 0
  #started = false
  #stopped = false
  #cancelTimer: () => void = () => undefined

  constructor(options: RefreshingDocumentOptions<T>) {
    this.#options = options
  }

  /** Begins the first fetch and the background refreshing; returns at once. */
  start(): void {
    if (this.#started) return
    this.#started = true
    this.#dueAt = this.#options.clock.now()
    this.#step()
  }

  /** Ends the refreshing. A fetch in flight is its owner's to end; its outcome is told no more. */
  stop(): void {
    this.#stopped = true
    this.#cancelTimer()
  }

  /** The document, unless there is none or it is older than `staleFor`. */
  current(): Fetched<T> | undefined {
    const kept = this.#kept
    if (!kept) return undefined
    const age = this.#options.clock.now() - kept.fetchedAt
    return age <= this.#options.staleFor ? kept : undefined
  }

  /** The last good document, however old. */
  last(): Fetched<T> | undefined {
    return this.#kept
  }

  /** Why the latest fetch failed; absent when it succeeded or there was none. */
  lastError(): DocumentError | undefined {
    return this.#lastError
  }

  /** The fetch in flight, if there is one. */
  inFlight(): Promise<boolean> | undefined {
    return this.#inFlight
  }

  /** Milliseconds until the next background fetch begins; 0 while one is due or running. */
  nextTryIn(): number {
    return Math.max(0, this.#dueAt - this.#options.clock.now())
  }

  /**
   * Fetches now, or joins the fetch in flight. A failure leaves the background's schedule as it
   * was, so that nothing a request asks for makes the background fetch more often.
   *
   * @returns whether the fetch was good; never rejects
   */
  refresh(): Promise<boolean> {
    this.#inFlight ??= this.#fetch().finally(() => {
      this.#inFlight = undefined
    })
    return this.#inFlight
  }

  /** Ends the backoff after a failure early: what the fetch needed is there now. */
  retryNow(): void {
    if (!this.#started || this.#failures === 0 || this.#inFlight) return
    this.#cancelTimer()
    this.#dueAt = this.#options.clock.now()
    this.#step()
  }

  #step(): void {
    if (this.#stopped) return
    if (this.nextTryIn() > 0) {
      this.#wait()
      return
    }
    const began = this.#options.clock.now()
    void this.refresh().then((good) => {
      if (!good) this.#backOff(began)
      this.#wait()
    })
  }

  #backOff(began: number): void {
    const pause = Math.min(
      LONGEST_BACKOFF_MS,
      SHORTEST_BACKOFF_MS * 2 ** Math.min(this.#failures, 10),
    )
    this.#dueAt = Math.max(began + pause, this.#options.clock.now() + SHORTEST_BACKOFF_MS)
    this.#failures += 1
  }

  #wait(): void {
    if (this.#stopped) return
    const delay = Math.min(this.nextTryIn(), LONGEST_TIMER_MS)
    this.#cancelTimer = this.#options.clock.after(delay, () => this.#step())
  }

  async #fetch(): Promise<boolean> {
    const { clock, load, refreshEvery, onAttempt } = this.#options
    const fetchedAt = clock.now()
    const previous = this.#kept && { previous: this.#kept }
    const outcome = await load().then(
      (value) => ({ kept: { value, fetchedAt } }),
      (error: unknown) => ({ error: asDocumentError(error) }),
    )
    if ('kept' in outcome) {
      this.#kept = outcome.kept
      this.#failures = 0
      this.#dueAt = fetchedAt + refreshEvery
    }
    this.#lastError = 'error' in outcome ? outcome.error : undefined
    if (!this.#stopped) onAttempt({ duration: clock.now() - fetchedAt, ...outcome, ...previous })
    return 'kept' in outcome
  }
}
