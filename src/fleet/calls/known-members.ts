import { once } from 'node:events'
import type { DiscoverResult, LoggingLevel, ServerCapabilities } from '@modelcontextprotocol/client'
import { LRUCache } from 'lru-cache'
import { atMost } from '../../at-most.ts'
import type { Clock } from '../../clock.ts'
import type { PermittedMember } from './member.ts'

/** What is known of a member since a user's first call to it. */
export type KnownMember = {
  /** As the MCP server says of itself. */
  readonly serverVersion: string | undefined
  /** What it offers, which a session that goes on does not tell again. */
  readonly capabilities: ServerCapabilities | undefined
  /** From which level on a session was asked to log, by the last call that wanted to know. */
  logLevel?: LoggingLevel
} & (
  | { readonly era: 'modern'; readonly discover: DiscoverResult }
  | ({ readonly era: 'legacy' } & MemberSession)
)

/** A session of the user's at the member; without an id, the member has none. */
export interface MemberSession {
  readonly sessionId?: string
  readonly protocolVersion?: string
  /** By whom it was used last: its user alone may end it. */
  usedBy?: SessionUse
}

/** What ending a session is made with: nothing but the permit of the user it belongs to. */
export interface SessionUse extends PermittedMember {
  readonly version: string
  readonly requestId: string
}

const MOST_KNOWN = 20_000
/** Beyond, a user's own are forgotten: none pushes out those of others. */
const MOST_OF_ONE_USER = 2_000
const FORGOTTEN_AFTER_MS = 3_600_000
const SWEPT_EVERY_MS = 60_000

/**
 * Sessions at members and what they speak, apart for each user and each session of the fleet: a
 * session of somebody else's is never used (session hijacking). In memory: another replica, or this
 * one after a restart, opens its own.
 */
export class KnownMembers {
  readonly #known: LRUCache<string, KnownMember>
  readonly #userOf = new Map<string, string>()
  readonly #ofUser = new Map<string, Set<string>>()
  readonly #onForgotten: (known: KnownMember) => void
  readonly #opening = new Map<string, Promise<unknown>>()
  readonly #clock: Clock
  #stopSweeping: (() => void) | undefined

  /** @param onForgotten told of what nobody has used for long, or had to make room */
  constructor(clock: Clock, onForgotten: (known: KnownMember) => void = () => undefined) {
    this.#clock = clock
    this.#onForgotten = onForgotten
    this.#known = new LRUCache({
      ...atMost(MOST_KNOWN),
      ttl: FORGOTTEN_AFTER_MS,
      updateAgeOnGet: true,
      perf: clock,
      dispose: (known, key, reason) => {
        if (reason !== 'set') this.#left(key)
        if (reason === 'evict' || reason === 'expire') onForgotten(known)
      },
    })
  }

  get(key: string): KnownMember | undefined {
    return this.#known.get(key)
  }

  /** @param user the one text that stands for the user that it is known to */
  set(key: string, known: KnownMember, user: string): void {
    this.#known.set(key, known)
    this.#userOf.set(key, user)
    const own = this.#ofUser.get(user) ?? new Set()
    this.#ofUser.set(user, own.add(key))
    if (own.size > MOST_OF_ONE_USER) this.#forgetOldest(own)
    this.#sweepLater()
  }

  #forgetOldest(own: ReadonlySet<string>): void {
    for (const key of this.#known.rkeys()) {
      if (!own.has(key)) continue
      const known = this.#known.peek(key)
      this.#known.delete(key)
      if (known !== undefined) this.#onForgotten(known)
      return
    }
  }

  #left(key: string): void {
    const user = this.#userOf.get(key)
    const own = user === undefined ? undefined : this.#ofUser.get(user)
    this.#userOf.delete(key)
    own?.delete(key)
    if (user !== undefined && own?.size === 0) this.#ofUser.delete(user)
  }

  /** Takes out all there are, those that were used last first. */
  takeAll(): readonly KnownMember[] {
    const all = [...this.#known.values()]
    this.#known.clear()
    this.#stopSweeping?.()
    return all
  }

  /** Only what was used: another call may have opened a new session by now. */
  forget(key: string, known: KnownMember): void {
    if (this.#known.get(key) === known) this.#known.delete(key)
  }

  /**
   * Calls that come while the first one opens a session wait for it, whatever becomes of it.
   *
   * @param signal ends the waiting
   */
  async settled(key: string, signal: AbortSignal): Promise<void> {
    const opening = this.#opening.get(key)
    if (opening === undefined || signal.aborted) return
    const waiting = new AbortController()
    const ended = once(signal, 'abort', { signal: waiting.signal })
    await Promise.race([opening, ended]).catch(() => undefined)
    waiting.abort()
    await ended.catch(() => undefined)
  }

  /** A cache forgets when it is asked; a session at a cluster is to end also where nobody asks. */
  #sweepLater(): void {
    this.#stopSweeping ??= this.#clock.after(SWEPT_EVERY_MS, () => {
      this.#stopSweeping = undefined
      this.#known.purgeStale()
      if (this.#known.size > 0) this.#sweepLater()
    })
  }

  opening(key: string, work: Promise<unknown>): void {
    this.#opening.set(key, work)
    const done = () => {
      if (this.#opening.get(key) === work) this.#opening.delete(key)
    }
    work.then(done, done)
  }
}
