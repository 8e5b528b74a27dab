import { settingAt } from '../schema/settings.ts'
import { emptyMark } from '../schema/text.ts'

/** Keys from the top; numbers for items of lists. */
export type Path = readonly (string | number)[]

/** A table of a file, before anything in it is checked. */
export type DraftTable = Record<string, unknown>

/** One value of one source. `undefined` takes away what a source of lower rank says. */
export interface Assignment {
  readonly path: Path
  readonly value: unknown
  /** How the source names the setting: `ROLECALL__LISTEN`, `--tenant`, `oauth_audience`. */
  readonly label: string
}

/** `resource[0].upstream`, as it is found in a file. */
export function pathText(path: Path): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '')
}

export function isTable(value: unknown): value is DraftTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands at a path; `undefined` where nothing does. Inherited properties do not count. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const key of path) {
    const holds = (isTable(value) || Array.isArray(value)) && Object.hasOwn(value, key)
    value = holds ? (value as DraftTable)[key] : undefined
  }
  return value
}

/** The values of all sources as they are brought together, and who said them. */
export class SettingsDraft {
  readonly root: DraftTable
  readonly #labels = new Map<string, string>()

  constructor(root: DraftTable) {
    this.root = root
  }

  /**
   * Puts a value over what is there.
   *
   * @returns whether it could be put: not when an item of a list before it is missing, nor when
   *   something else than a table or list is in its way (which the schema then tells)
   */
  assign({ path, value, label }: Assignment): boolean {
    const [last, ...above] = path.toReversed()
    const holder = this.#holder(above.toReversed(), last)
    if (holder === undefined || last === undefined) return false
    if (Array.isArray(holder) && Number(last) > holder.length) return false
    const table = holder as DraftTable
    if (value === undefined) delete table[last]
    else table[last] = value
    this.name(path, label)
    return true
  }

  /** Says by what name the author of a setting knows it, also where it has no value. */
  name(path: Path, label: string): void {
    this.#labels.set(pathText(path), label)
  }

  /** How problems name a setting: as its source does, else by its path. */
  keyOf(path: Path): string {
    for (let length = path.length; length > 0; length -= 1) {
      const label = this.#labels.get(pathText(path.slice(0, length)))
      if (label !== undefined) return label
    }
    return pathText(path)
  }

  /** The source's own name of exactly this setting, if it is not the path in a file. */
  labelOf(path: Path): string | undefined {
    return this.#labels.get(pathText(path))
  }

  remove(path: Path): void {
    const holder = valueAt(this.root, path.slice(0, -1))
    const last = path.at(-1)
    if (last === undefined) return
    if (Array.isArray(holder)) holder.splice(Number(last), 1)
    else if (isTable(holder)) delete holder[last]
  }

  #holder(above: Path, last: string | number | undefined): DraftTable | unknown[] | undefined {
    let holder: unknown = this.root
    for (const [index, key] of above.entries()) {
      const next = valueAt(holder, [key])
      if (next !== undefined) {
        holder = next
        continue
      }
      if (Array.isArray(holder) && Number(key) > holder.length) return undefined
      const made = typeof (above[index + 1] ?? last) === 'number' ? [] : {}
      if (!isTable(holder) && !Array.isArray(holder)) return undefined
      ;(holder as DraftTable)[key] = made
      holder = made
    }
    return isTable(holder) || Array.isArray(holder) ? holder : undefined
  }
}

/**
 * A copy without empty texts: `key = ""` is the same as no key, but where the schema gives it a
 * meaning. Items of lists stay, so that an empty one is told.
 */
export function withoutEmptyTexts(value: unknown, path: Path = []): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) =>
      isTable(item) ? withoutEmptyTexts(item, [...path, index]) : item,
    )
  }
  if (!isTable(value)) return value
  const kept = Object.entries(value).filter(([key, item]) => !isNothing(item, [...path, key]))
  return tableOf(kept.map(([key, item]) => [key, withoutEmptyTexts(item, [...path, key])]))
}

/** Whether a value is the same as no value at its place. */
export function isNothing(value: unknown, path: Path): boolean {
  return value === '' && settingAt(path)?.node.$comment !== emptyMark
}

/** As `Object.fromEntries`, but that `__proto__` is a key like any other (prototype pollution). */
export function tableOf(entries: Iterable<readonly [string, unknown]>): DraftTable {
  const table: DraftTable = {}
  for (const [key, value] of entries) {
    Object.defineProperty(table, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }
  return table
}
