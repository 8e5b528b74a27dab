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

/** Of the names that lists of all users have marked, with what it costs to keep each. */
const MOST_READING_BYTES = 16 * 1024 * 1024
const BYTES_EACH = 64

/** The tools that a user's lists have marked as reading, and when. */
type Reading = ReadonlyMap<string, number>

/**
 * What one upstream's lists have said of its tools, wherever they passed by: at the resource's own path
 * and in the fleet. Lists differ by user, and by replica while a new version rolls out. A tool that
 * writes in one list writes for everybody (the strictest hint wins). One that reads does so only for the
 * user whose list says it: nobody's list opens a tool to another (confused deputy).
 */
export class ToolHints {
  readonly #writing = new LRUCache<string, number>(atMost(MOST_TOOLS))
  readonly #reading = new LRUCache<string, Reading>({
    maxSize: MOST_READING_BYTES,
    sizeCalculation: bytesOf,
  })
  #version: string | undefined
  /** When the version that answers now was first seen: older lists open nothing. */
  #since = Number.NEGATIVE_INFINITY

  /** @param version of the server, where an answer names it */
  sawVersion(version: string | undefined, now: number): void {
    if (version === undefined || version === this.#version) return
    if (this.#version !== undefined) this.#since = now
    this.#version = version
  }

  /**
   * @param user the one text that stands for the user whose list it is
   * @param now milliseconds since the epoch
   */
  learn(user: string, tools: readonly ListedTool[], now: number): void {
    const reading = new Map(this.#reading.get(user))
    for (const [name, at] of reading) if (now - at >= READ_ONLY_COUNTS_MS) reading.delete(name)
    for (const { name, readOnly } of tools) {
      if (readOnly) reading.set(name, now)
      else this.#writing.set(name, now)
    }
    this.#reading.set(user, reading)
  }

  /** @param now milliseconds since the epoch */
  hintOf(user: string, tool: string, now: number): ToolHint {
    const writesAt = this.#writing.get(tool)
    if (writesAt !== undefined && now - writesAt < WRITES_COUNTS_MS) return 'writes'
    const readOnlyAt = this.#reading.get(user)?.get(tool)
    if (readOnlyAt === undefined || readOnlyAt < this.#since) return 'unknown'
    return now - readOnlyAt < READ_ONLY_COUNTS_MS ? 'read_only' : 'unknown'
  }
}

function bytesOf(reading: Reading): number {
  return [...reading.keys()].reduce((sum, name) => sum + name.length + BYTES_EACH, BYTES_EACH)
}
