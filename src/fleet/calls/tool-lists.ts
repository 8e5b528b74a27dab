import { setTimeout as wait } from 'node:timers/promises'
import type { Tool } from '@modelcontextprotocol/client'
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
const MOST_BYTES = 4 * 1024 * 1024
const MOST_KEPT_BYTES = 64 * 1024 * 1024

interface KeptList {
  readonly at: number
  readonly tools: readonly Tool[]
  readonly serverVersion: string | undefined
  readonly bytes: number
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
  readonly #shared = new LRUCache<string, readonly Tool[]>({ max: 1_000 })
  readonly #asking = new Map<string, Promise<void>>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * The tools of all these members, asked for where they are not fresh: eight at a time, and no longer
   * than the time for a whole list.
   *
   * @param calls one for each member, all for the same user, in the order of the configuration
   */
  async of(calls: readonly ListCall[]): Promise<readonly ClusterTools[]> {
    const late = new AbortController()
    const asking = mapAtMost(calls, AT_ONCE, (call) => this.#refresh(call))
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

  /** Many at once ask once. */
  async #refresh(call: ListCall): Promise<void> {
    const key = keyOf(call)
    const kept = this.#kept.get(key)
    if (kept !== undefined && this.#clock.now() - kept.at < FRESH_MS) return
    const asking = this.#asking.get(key) ?? this.#ask(key, call)
    this.#asking.set(key, asking)
    await asking.finally(() => this.#asking.delete(key))
  }

  /** Not ended with the request that first wants it: others may wait for the same list. */
  async #ask(key: string, call: ListCall): Promise<void> {
    const answer = await callMember(
      {
        ...call,
        timeoutMs: ONE_LIST_MS,
        mostBytes: MOST_BYTES,
        signal: AbortSignal.timeout(ONE_LIST_MS),
      },
      (client, options) => client.listTools(undefined, options),
    )
    if (answer.kind !== 'answer') return
    const text = JSON.stringify(answer.value.tools)
    const digest = sha256(text)
    const tools = this.#shared.get(digest) ?? answer.value.tools
    this.#shared.set(digest, tools)
    const { serverVersion } = answer
    this.#kept.set(key, { at: this.#clock.now(), tools, serverVersion, bytes: text.length + 1 })
  }
}

function keyOf({ member, permit }: ListCall): string {
  const { name, upstream } = member.resource
  return JSON.stringify([name, upstream, permit.principal.userKey])
}
