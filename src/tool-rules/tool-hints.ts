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

/** Of all users together, by what it costs to keep each page of a list. */
const MOST_READING_BYTES = 16 * 1024 * 1024
const PAGE_BYTES = 64
/** A user's lists have fewer. */
const MOST_PAGES = 64

/** The tools that one page of a list has marked as reading. */
interface ReadingPage {
  readonly names: ReadonlySet<string>
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly bytes: number
}

/**
 * What one upstream's lists have said of its tools, wherever they passed by: at the resource's own path
 * and in the fleet. Lists differ by user, and by replica while a new version rolls out. A tool that
 * writes in one list writes for everybody (the strictest hint wins). One that reads does so only for the
 * user whose list says it: nobody's list opens a tool to another (confused deputy).
 */
export class ToolHints {
  readonly #writing = new LRUCache<string, number>(atMost(MOST_TOOLS))
  readonly #reading = new LRUCache<string, readonly ReadingPage[]>({
    maxSize: MOST_READING_BYTES,
    sizeCalculation: (pages) => pages.reduce((sum, { bytes }) => sum + bytes, PAGE_BYTES),
  })
  /** Pages of the same names are one in memory: most servers show all users the same. */
  readonly #pages = new Map<string, WeakRef<ReadonlySet<string>>>()
  readonly #gone = new FinalizationRegistry<string>((text) => {
    if (this.#pages.get(text)?.deref() === undefined) this.#pages.delete(text)
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
    for (const { name, readOnly } of tools) if (!readOnly) this.#writing.set(name, now)
    const names = tools.filter(({ readOnly }) => readOnly).map(({ name }) => name)
    if (names.length === 0) return
    const pages = this.#reading.get(user) ?? []
    const { page, bytes } = this.#pageOf(names)
    const known = pages.find((one) => one.names === page)
    const others = pages.filter((one) => one !== known && now - one.at < READ_ONLY_COUNTS_MS)
    const learnt = { names: page, at: now, bytes: known?.bytes ?? bytes }
    this.#reading.set(user, [...others, learnt].slice(-MOST_PAGES))
  }

  #pageOf(names: readonly string[]): { page: ReadonlySet<string>; bytes: number } {
    const text = JSON.stringify(names)
    const same = this.#pages.get(text)?.deref()
    if (same !== undefined) return { page: same, bytes: PAGE_BYTES }
    const page = new Set(names)
    this.#pages.set(text, new WeakRef(page))
    this.#gone.register(page, text)
    return { page, bytes: 2 * text.length + PAGE_BYTES * (names.length + 1) }
  }

  /** @param now milliseconds since the epoch */
  hintOf(user: string, tool: string, now: number): ToolHint {
    const writesAt = this.#writing.get(tool)
    if (writesAt !== undefined && now - writesAt < WRITES_COUNTS_MS) return 'writes'
    const pages = this.#reading.get(user) ?? []
    const reads = pages.some(
      ({ names, at }) => at >= this.#since && now - at < READ_ONLY_COUNTS_MS && names.has(tool),
    )
    return reads ? 'read_only' : 'unknown'
  }
}
