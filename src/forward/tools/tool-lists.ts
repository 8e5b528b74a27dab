import { serverVersion } from '../../mcp-client/own-session.ts'
import { member } from '../../oauth/claims.ts'
import { isJsonObject } from '../../oauth/json.ts'
import type { ListedTool } from '../../tool-rules/tool-hints.ts'
import { JsonScanner } from '../body/json-scanner.ts'
import type { JsonKind, JsonVisitor } from '../body/json-visitor.ts'
import { looksLike } from '../body/member-names.ts'

/** Bytes from the beginning of a text; `to` is not in it. */
interface Range {
  readonly from: number
  readonly to: number
}

/** A result with tools, as it lies in the text of an answer. */
interface ListPlace {
  readonly result: Range
  readonly tools: Range
  readonly items: readonly Range[]
  readonly cacheScope?: Range
  readonly meta?: Range
  /** Whether it has members of MCP 2026-07-28, where results say who may keep them. */
  readonly cacheable: boolean
}

/** Which of the tools on one page a reader may see; learns from the page first. */
export type PageJudge = (
  tools: readonly ListedTool[],
  version: string | undefined,
) => readonly boolean[]

type Draft = { -readonly [K in keyof ListPlace]?: ListPlace[K] }

/** Bytes: of the names that are looked for, each character escaped. */
const LONGEST_NAME = 64

const ofCaching: ReadonlySet<string> = new Set(['resultType', 'ttlMs', 'cacheScope'])

/**
 * Finds lists of tools in the text of one answer, as it comes in pieces: responses whose result has a
 * member `tools`, alone or in a batch. By their shape and not by the id of a request, since a stream
 * that is resumed brings answers to requests that it does not know.
 *
 * A text that clients could read in two ways is one that cannot be read: a member of that path twice,
 * or in another case.
 */
export class ToolListScan implements JsonVisitor {
  readonly #scanner = new JsonScanner(this, { deepest: 4, longestName: LONGEST_NAME })
  readonly #lists: ListPlace[] = []
  #base = 0
  #member = ''
  #inner = ''
  #draft: Draft = {}
  #items: Range[] = []
  #found = false
  #ambiguous = false
  #isJson = true

  /** Whether a list has begun in what was read. */
  get hasList(): boolean {
    return this.#found || this.#ambiguous
  }

  /** Whether what was read can go on to be JSON. */
  get isJson(): boolean {
    return this.#isJson
  }

  push(piece: Buffer): void {
    this.#isJson &&= this.#scanner.push(piece)
  }

  /** @returns the lists of the whole text; `undefined` when it cannot be read the one way */
  finish(): readonly ListPlace[] | undefined {
    return this.#scanner.finish() && !this.#ambiguous ? this.#lists : undefined
  }

  begin(level: number, kind: 'object' | 'array'): void {
    if (level === 0 && kind === 'array') this.#base = 1
    if (level !== this.#base) return
    this.#draft = {}
    this.#items = []
    this.#member = ''
  }

  member(level: number, name: string): void {
    if (level === this.#base + 1) {
      this.#member = this.#known(name, 'result')
      this.#inner = ''
    } else if (level === this.#base + 2 && this.#member === 'result') {
      this.#inner = this.#known(name, 'tools')
      if (this.#inner === 'tools') this.#found = true
      if (ofCaching.has(name)) this.#draft.cacheable = true
    }
  }

  end(level: number, kind: JsonKind, from: number, to: number): void {
    if (this.#member !== 'result') return
    const range = { from, to }
    if (level === this.#base + 3 && this.#inner === 'tools') this.#items.push(range)
    else if (level === this.#base + 2) this.#endInner(kind, range)
    else if (level === this.#base + 1) this.#endResult(range)
  }

  #known(name: string, wanted: string): string {
    if (looksLike(name, wanted)) this.#ambiguous = true
    return name
  }

  #endInner(kind: JsonKind, range: Range): void {
    if (this.#inner === 'tools') {
      if (this.#draft.tools !== undefined || kind !== 'array') this.#ambiguous = true
      this.#draft.tools = range
    } else if (this.#inner === 'cacheScope') {
      if (this.#draft.cacheScope !== undefined) this.#ambiguous = true
      this.#draft.cacheScope = range
    } else if (this.#inner === '_meta') this.#draft.meta = range
  }

  #endResult(result: Range): void {
    const { tools, cacheable = false } = this.#draft
    if (this.#draft.result !== undefined) this.#ambiguous = true
    this.#draft.result = result
    if (tools === undefined) return
    this.#lists.push({ ...this.#draft, result, tools, cacheable, items: this.#items })
  }
}

/**
 * The text with those tools alone that its reader may see, in their order, and every other byte as it
 * came, but for `cacheScope`, which becomes `private`: a list of what one user may call is no other's.
 *
 * @param lists what a {@link ToolListScan} found in this text
 */
export function withVisibleTools(
  text: Buffer,
  lists: readonly ListPlace[],
  judge: PageJudge,
): Buffer {
  const edits = lists.flatMap((list) => editsOf(text, list, judge))
  const parts: Buffer[] = []
  let at = 0
  for (const { from, to, by } of edits.toSorted((one, other) => one.from - other.from)) {
    parts.push(text.subarray(at, from), by)
    at = to
  }
  return Buffer.concat([...parts, text.subarray(at)])
}

interface Edit extends Range {
  readonly by: Buffer
}

function editsOf(text: Buffer, list: ListPlace, judge: PageJudge): Edit[] {
  const tools = list.items.map((range) => toolIn(parsed(text, range)))
  const version = list.meta && versionIn(parsed(text, list.meta))
  const listed = tools.flatMap((tool) => (tool === undefined ? [] : [tool]))
  const visible = new Set(filtered(listed, judge(listed, version)))
  const kept = list.items.filter((_, index) => {
    const tool = tools[index]
    return tool !== undefined && visible.has(tool)
  })
  return [...removed(text, list, kept), ...privately(text, list)]
}

function filtered<T>(items: readonly T[], keeps: readonly boolean[]): readonly T[] {
  return items.filter((_, index) => keeps[index])
}

const COMMA = Buffer.from(',')

function removed(text: Buffer, { tools, items: all }: ListPlace, kept: readonly Range[]): Edit[] {
  if (kept.length === all.length) return []
  const items = kept.flatMap(({ from, to }) => [COMMA, text.subarray(from, to)]).slice(1)
  return [{ ...tools, by: Buffer.concat([Buffer.from('['), ...items, Buffer.from(']')]) }]
}

const PRIVATE = '"private"'

function privately(text: Buffer, { result, cacheScope, cacheable }: ListPlace): Edit[] {
  if (!cacheable) return []
  if (cacheScope === undefined) {
    const at = result.from + 1
    return [{ from: at, to: at, by: Buffer.from(`"cacheScope":${PRIVATE},`) }]
  }
  if (text.toString('utf8', cacheScope.from, cacheScope.to) === PRIVATE) return []
  return [{ ...cacheScope, by: Buffer.from(PRIVATE) }]
}

function parsed(text: Buffer, { from, to }: Range): unknown {
  return JSON.parse(text.toString('utf8', from, to))
}

/** A tool as `tools/list` describes it; what has no name is none. */
export function toolIn(value: unknown): ListedTool | undefined {
  if (!isJsonObject(value)) return undefined
  const name = member(value, 'name')
  const annotations = member(value, 'annotations')
  const readOnly = isJsonObject(annotations) && member(annotations, 'readOnlyHint') === true
  return typeof name === 'string' ? { name, readOnly } : undefined
}

/** The server's version in the `_meta` of a result (MCP 2026-07-28). */
export function versionIn(meta: unknown): string | undefined {
  if (!isJsonObject(meta)) return undefined
  return serverVersion(member(meta, 'io.modelcontextprotocol/serverInfo'))
}
