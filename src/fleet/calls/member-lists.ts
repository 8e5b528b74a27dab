import { setTimeout as wait } from 'node:timers/promises'
import type { Client, RequestOptions, ServerCapabilities } from '@modelcontextprotocol/client'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'
import { sha256 } from '../../sealing/digest.ts'
import { mapAtMost } from '../concurrency.ts'
import { callMember, type MemberCall } from './call-member.ts'
import type { ListKind, ListMethod } from './list-kinds.ts'

/** Members that are asked at a time, for one list of the fleet. */
const AT_ONCE = 8
/**
 * A list of the fleet waits this long for its members, and what comes later is there for the next one:
 * of the 2 s for a whole list, the rest is for making it of those of 50 clusters.
 */
const WAITED_FOR_MS = 1_600
/** A member's list may take longer than one list of the fleet waits. */
const ONE_LIST_MS = 10_000
/** As `ttlMs` tells clients. */
export const FRESH_MS = 60_000
const MOST_PAGES = 64
/** Of one page, and where further ones are not asked for. */
const MOST_BYTES = 4 * 1024 * 1024
/** That an item takes in memory beside its text. */
const BYTES_OF_ITEM = 500

/** What one member lists to one user. */
export interface MemberList<Item> {
  readonly cluster: string
  /** As the MCP server says of itself; absent: it says none. */
  readonly serverVersion?: string | undefined
  /** Absent: nobody has told yet, or the last answer is lost. */
  readonly items?: readonly Item[]
}

interface Listed<Item> {
  readonly items: readonly Item[]
  /** Their JSON. */
  readonly text: string
}

const NONE: Listed<never> = { items: [], text: '' }

interface KeptList<Item> {
  readonly at: number
  readonly items: readonly Item[]
  readonly serverVersion: string | undefined
  readonly bytes: number
  /** Whether its user was told that it has changed. */
  readonly isTold?: boolean
}

interface Asking {
  /** Milliseconds, from a monotonic clock. */
  readonly since: number
  readonly answer: Promise<void>
}

/** What a call to each member is made with, but for what lists decide themselves. */
export interface ListCall extends Omit<MemberCall, 'asked' | 'timeoutMs' | 'mostBytes' | 'signal'> {
  /** A list was asked for, which is told to the log and counted. */
  onListed(listed: ListedBy): void
  /** The member's tools are others than they were when they were last asked for. */
  onChanged(): void
}

/** What came of asking a member for a list. */
export interface ListedBy {
  readonly method: ListMethod
  /** Absent: there is a list. */
  readonly reason?: string
  readonly milliseconds: number
}

/**
 * The members' lists of one kind, kept apart for each user, since a server may show each another one. A
 * member that does not answer is shown as it was last known.
 */
export class MemberLists<Item extends object> {
  readonly #kept: LRUCache<string, KeptList<Item>>
  /** Lists of the same bytes are one in memory: most servers show all users the same. */
  readonly #shared = new Map<string, WeakRef<readonly Item[]>>()
  readonly #gone = new FinalizationRegistry<string>((digest) => {
    if (this.#shared.get(digest)?.deref() === undefined) this.#shared.delete(digest)
  })
  readonly #asking = new Map<string, Asking>()
  readonly #kind: ListKind<Item>
  readonly #clock: Clock

  constructor(kind: ListKind<Item>, clock: Clock) {
    this.#kind = kind
    this.#clock = clock
    this.#kept = new LRUCache({
      maxSize: kind.mostKeptBytes,
      sizeCalculation: ({ bytes }) => bytes,
    })
  }

  /**
   * The lists of all these members, asked for where they are not fresh: eight at a time, and waited for
   * no longer than the time for a whole list.
   *
   * @param calls one for each member, all for the same user, in the order of the configuration
   * @param wanted names of the members that are asked; of the others there is what is known
   */
  async of(
    calls: readonly ListCall[],
    wanted?: ReadonlySet<string>,
  ): Promise<readonly MemberList<Item>[]> {
    const late = new AbortController()
    const asked = calls.filter(({ member }) => wanted?.has(member.resource.name) !== false)
    const asking = mapAtMost(asked, AT_ONCE, (call) => this.#refresh(call))
    await Promise.race([
      asking,
      wait(WAITED_FOR_MS, undefined, { signal: late.signal }).catch(() => undefined),
    ])
    late.abort()
    return calls.map((call) => this.#asKnown(call))
  }

  /** The member says that the list has changed: it is asked for again when it is wanted. */
  outdate(call: ListCall): void {
    const key = keyOf(call)
    const kept = this.#kept.get(key)
    if (kept) this.#kept.set(key, { ...kept, at: Number.NEGATIVE_INFINITY, isTold: true })
  }

  #asKnown(call: ListCall): MemberList<Item> {
    const { name: cluster } = call.member.resource
    const kept = this.#kept.get(keyOf(call))
    return kept === undefined
      ? { cluster }
      : { cluster, items: kept.items, serverVersion: kept.serverVersion }
  }

  /** Many at once ask once. Nobody waits for a member that has let others wait for their whole time. */
  async #refresh(call: ListCall): Promise<void> {
    const key = keyOf(call)
    const kept = this.#kept.get(key)
    if (kept !== undefined && this.#clock.now() - kept.at < FRESH_MS) return
    const asking = this.#asking.get(key)
    if (asking === undefined) {
      const answer = this.#ask(key, call).finally(() => this.#asking.delete(key))
      this.#asking.set(key, { since: performance.now(), answer })
      await answer
    } else if (performance.now() - asking.since < WAITED_FOR_MS) await asking.answer
  }

  /** Not ended with the request that first wants it: others may wait for the same list. */
  async #ask(key: string, call: ListCall): Promise<void> {
    const began = performance.now()
    const { method } = this.#kind
    let isAsked = true
    const answer = await callMember(
      {
        ...call,
        asked: method,
        timeoutMs: ONE_LIST_MS,
        answersSoon: true,
        mostBytes: MOST_BYTES,
        signal: AbortSignal.timeout(2 * ONE_LIST_MS),
      },
      (client, options, capabilities) => {
        isAsked = this.#offers(capabilities)
        return isAsked ? this.#everyPage(client, options) : NONE
      },
    )
    const milliseconds = performance.now() - began
    const reason = answer.kind === 'failed' ? answer.outcome : answer.kind
    if (isAsked)
      call.onListed({ method, milliseconds, ...(answer.kind !== 'answer' && { reason }) })
    if (answer.kind !== 'answer' || answer.value === undefined) return
    const { text } = answer.value
    const items = this.#oneOf(sha256(text), answer.value.items)
    const before = this.#kept.get(key)
    const isOther = before !== undefined && before.items !== items && !before.isTold
    if (method === 'tools/list' && isOther) call.onChanged()
    const { serverVersion } = answer
    const now = this.#clock.now()
    const bytes = text.length + 1 + items.length * BYTES_OF_ITEM
    this.#kept.set(key, { at: now, items, serverVersion, bytes })
    this.#kind.learn?.({ call, items, serverVersion, now })
  }

  /** Nothing is asked of a member that has said that it has no such lists. */
  #offers(capabilities: ServerCapabilities | undefined): boolean {
    const { capability } = this.#kind
    return !capability || !capabilities || capabilities[capability] !== undefined
  }

  /** Cut where a member pages on and on, or lists more than a client can use. */
  async #everyPage(client: Client, options: RequestOptions): Promise<Listed<Item> | undefined> {
    const { mostItems } = this.#kind
    const items: Item[] = []
    let text = ''
    let cursor: string | undefined
    for (
      let pages = 0;
      pages < MOST_PAGES && text.length < MOST_BYTES && items.length < mostItems;
      pages += 1
    ) {
      const params = cursor === undefined ? {} : { cursor }
      const answer = await this.#kind.page(client, params, options)
      const some = answer.items.slice(0, mostItems - items.length)
      const page = textOf(some)
      if (page === undefined) return undefined
      text += page
      items.push(...some)
      cursor = answer.nextCursor
      if (cursor === undefined) break
    }
    return { items, text }
  }

  #oneOf(digest: string, items: readonly Item[]): readonly Item[] {
    const same = this.#shared.get(digest)?.deref()
    if (same !== undefined) return same
    this.#shared.set(digest, new WeakRef(items))
    this.#gone.register(items, digest)
    return items
  }
}

/** A list that is nested too deep to be written is none. */
function textOf(items: readonly object[]): string | undefined {
  try {
    return JSON.stringify(items)
  } catch {
    return undefined
  }
}

function keyOf({ member, permit }: ListCall): string {
  const { name, upstream } = member.resource
  return JSON.stringify([name, upstream, permit.principal.userKey])
}
