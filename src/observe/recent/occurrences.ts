/** What happened, how often, and when last. Times are milliseconds since the epoch. */
export interface Occurrence<Facts> {
  readonly facts: Facts
  readonly count: number
  readonly first: number
  readonly last: number
}

const MOST_KINDS = 50
const FORGOTTEN_AFTER_MS = 3_600_000

/**
 * What happened within the last hour, by its kind. Bounded: what has not happened for longest makes
 * room, since some of what tells kinds apart comes from outside.
 */
export class Occurrences<Facts> {
  readonly #keyOf: (facts: Facts) => string
  /** In the order in which they happened last. */
  readonly #kept = new Map<string, Occurrence<Facts>>()

  /** @param keyOf what is the same kind has the same key */
  constructor(keyOf: (facts: Facts) => string) {
    this.#keyOf = keyOf
  }

  /** @param now milliseconds since the epoch */
  note(facts: Facts, now: number): void {
    const key = this.#keyOf(facts)
    const before = this.#kept.get(key)
    const { count, first } =
      before === undefined || isOver(before, now) ? { count: 0, first: now } : before
    this.#kept.delete(key)
    this.#kept.set(key, { facts, count: count + 1, first, last: now })
    if (this.#kept.size <= MOST_KINDS) return
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest)
      return
    }
  }

  /** Those of the last hour, the latest first. */
  list(now: number): readonly Occurrence<Facts>[] {
    return [...this.#kept.values()].filter((one) => !isOver(one, now)).reverse()
  }
}

function isOver({ last }: Occurrence<unknown>, now: number): boolean {
  return now - last > FORGOTTEN_AFTER_MS
}
