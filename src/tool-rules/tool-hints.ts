import { LRUCache } from 'lru-cache'
import { atMost } from '../at-most.ts'
import type { ToolHint } from './judge-tool.ts'

/** A tool of a list, as far as rules need it. */
export interface ListedTool {
  readonly name: string
  /** `annotations.readOnlyHint` is `true`. */
  readonly readOnly: boolean
}

/** Milliseconds. A server that was replaced meanwhile is asked again before a hint opens anything. */
const READ_ONLY_COUNTS_MS = 10 * 60_000

/** A list that said otherwise is not forgotten as soon: the strictest hint wins. */
const WRITES_COUNTS_MS = 60 * 60_000

const MOST_TOOLS = 10_000

interface Evidence {
  readonly readOnlyAt?: number
  readonly writesAt?: number
}

/**
 * What one upstream's lists have said of its tools. Lists differ by user, and by replica while a new
 * version rolls out: a tool that reads in one list and not in another counts as one that writes.
 */
export class ToolHints {
  readonly #tools = new LRUCache<string, Evidence>(atMost(MOST_TOOLS))
  #version: string | undefined
  /** When the version that answers now was first seen: older lists open nothing. */
  #since = Number.NEGATIVE_INFINITY

  /** @param version of the server, where an answer names it */
  sawVersion(version: string | undefined, now: number): void {
    if (version === undefined || version === this.#version) return
    if (this.#version !== undefined) this.#since = now
    this.#version = version
  }

  /** @param now milliseconds since the epoch */
  learn(tools: readonly ListedTool[], now: number): void {
    for (const { name, readOnly } of tools) {
      const seen = readOnly ? { readOnlyAt: now } : { writesAt: now }
      this.#tools.set(name, { ...this.#tools.get(name), ...seen })
    }
  }

  /** @param now milliseconds since the epoch */
  hintOf(tool: string, now: number): ToolHint {
    const { readOnlyAt, writesAt } = this.#tools.get(tool) ?? {}
    if (writesAt !== undefined && now - writesAt < WRITES_COUNTS_MS) return 'writes'
    if (readOnlyAt === undefined || readOnlyAt < this.#since) return 'unknown'
    return now - readOnlyAt < READ_ONLY_COUNTS_MS ? 'read_only' : 'unknown'
  }
}
