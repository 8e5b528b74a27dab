import { setTimeout as wait } from 'node:timers/promises'
import type { Client, RequestOptions, Tool } from '@modelcontextprotocol/client'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'
import { sha256 } from '../../sealing/digest.ts'
import { mapAtMost } from '../concurrency.ts'
import type { ClusterTools } from '../tools/catalogue.ts'
import { callMember, type MemberCall } from './call-member.ts'

/** Members that are asked at a time, for one list of the fleet. */
const AT_ONCE = 8
/** A list of the fleet waits this long for its members; what comes later is there for the next one. */
export const WHOLE_LIST_MS = 2_000
/** A member's list may take longer than one list of the fleet waits. */
const ONE_LIST_MS = 10_000
/** As `ttlMs` tells clients. */
export const FRESH_MS = 60_000
const MOST_PAGES = 64
const MOST_BYTES = 4 * 1024 * 1024
const MOST_KEPT_BYTES = 64 * 1024 * 1024

interface KeptList {
  readonly at: number
  readonly tools: readonly Tool[]
  readonly serverVersion: string | undefined
  readonly bytes: number
}

interface Asking {
  /** Milliseconds, from a monotonic clock. */
  readonly since: number
  readonly answer: Promise<void>
}

/** What a call to each member is made with, but for what lists decide themselves. */
export type ListCall = Omit<MemberCall, 'timeoutMs' | 'mostBytes' | 'signal'>

/**
 * The members' lists of tools, kept apart for each user, since a server may show each another one. A
 * member that does not answer is shown as it was last known.
 */
export class ToolLists {
  readonly #kept = new LRUCache<string, KeptList>({
    maxSize: MOST_KEPT_BYTES,
    sizeCalculation: ({ bytes }) => bytes,
  })
  /** Lists of the same bytes are one in memory: most servers show all users the same. */
  readonly #shared = new Map<string, WeakRef<readonly Tool[]>>()
  readonly #gone = new FinalizationRegistry<string>((digest) => {
    if (this.#shared.get(digest)?.deref() === undefined) this.#shared.delete(digest)
  })
  readonly #asking = new Map<string, Asking>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * The tools of all these members, asked for where they are not fresh: eight at a time, and waited for
   * no longer than the time for a whole list.
   *
   * @param calls one for each member, all for the same user, in the order of the configuration
   * @param wanted names of the members that are asked; of the others there is what is known
   */
  async of(
    calls: readonly ListCall[],
    wanted?: ReadonlySet<string>,
  ): Promise<readonly ClusterTools[]> {
    const late = new AbortController()
    const asked = calls.filter(({ member }) => wanted?.has(member.resource.name) !== false)
    const asking = mapAtMost(asked, AT_ONCE, (call) => this.#refresh(call))
    await Promise.race([
      asking,
      wait(WHOLE_LIST_MS, undefined, { signal: late.signal }).catch(() => undefined),
    ])
    late.abort()
    return calls.map((call) => this.#asKnown(call))
  }

  #asKnown(call: ListCall): ClusterTools {
    const { name: cluster } = call.member.resource
    const kept = this.#kept.get(keyOf(call))
    return kept === undefined
      ? { cluster }
      : { cluster, tools: kept.tools, serverVersion: kept.serverVersion }
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
    } else if (performance.now() - asking.since < WHOLE_LIST_MS) await asking.answer
  }

  /** Not ended with the request that first wants it: others may wait for the same list. */
  async #ask(key: string, call: ListCall): Promise<void> {
    const answer = await callMember(
      {
        ...call,
        timeoutMs: ONE_LIST_MS,
        answersSoon: true,
        mostBytes: MOST_BYTES,
        signal: AbortSignal.timeout(2 * ONE_LIST_MS),
      },
      everyTool,
    )
    if (answer.kind !== 'answer') return
    const text = textOf(answer.value)
    if (text === undefined) return
    const tools = this.#oneOf(sha256(text), answer.value)
    const { serverVersion } = answer
    this.#kept.set(key, { at: this.#clock.now(), tools, serverVersion, bytes: text.length + 1 })
  }

  #oneOf(digest: string, tools: readonly Tool[]): readonly Tool[] {
    const same = this.#shared.get(digest)?.deref()
    if (same !== undefined) return same
    this.#shared.set(digest, new WeakRef(tools))
    this.#gone.register(tools, digest)
    return tools
  }
}

/**
 * Page by page. Not the SDK's `listTools`: in a session that goes on it knows no capabilities, and says
 * that there are no tools.
 */
async function everyTool(client: Client, options: RequestOptions): Promise<readonly Tool[]> {
  const tools: Tool[] = []
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const params = cursor === undefined ? {} : { cursor }
    const answer = await client.request({ method: 'tools/list', params }, options)
    tools.push(...answer.tools)
    cursor = answer.nextCursor
    if (cursor === undefined) break
  }
  return tools
}

/** A list that is nested too deep to be written is none. */
function textOf(tools: readonly Tool[]): string | undefined {
  try {
    return JSON.stringify(tools)
  } catch {
    return undefined
  }
}

function keyOf({ member, permit }: ListCall): string {
  const { name, upstream } = member.resource
  return JSON.stringify([name, upstream, permit.principal.userKey])
}
