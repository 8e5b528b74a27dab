/**
 * Keeps small texts for a while. What is in it may be lost at any time (a restart, a lack of memory),
 * so that nothing may be let through because it is not there that would not be without a store.
 *
 * Every method throws {@link StoreUnavailable} when it cannot be said that it was done; it may have
 * been done all the same.
 */
interface TextStore {
  get(key: string): Promise<string | undefined>

  /**
   * @param ttl for how long it is kept, milliseconds
   * @returns whether it was absent, and is set now
   */
  setIfAbsent(key: string, value: string, ttl: number): Promise<boolean>

  /** @param ttl for how long it is kept, milliseconds */
  set(key: string, value: string, ttl: number): Promise<void>

  delete(key: string): Promise<void>

  /** Ends its connections. What is asked afterwards is unavailable. */
  close(): void
}

/** A store that nobody else uses. */
export interface ProcessStore extends TextStore {
  readonly shared: false
}

/**
 * A store that other processes use too. Beside texts it keeps a log, by which all are told what one
 * did, and sets of members that end. Every method throws {@link StoreUnavailable}, as above.
 */
export interface SharedStore extends TextStore {
  readonly shared: true

  /** Adds an entry to a log; it ends with its last entry, and the oldest make room. */
  append(log: string, entry: string, keep: LogBounds): Promise<void>

  /**
   * The entries after a position, the oldest first.
   *
   * @param after absent: from the beginning
   * @param most of them; fewer mean that there are no more
   */
  readLog(log: string, after: LogPosition | undefined, most: number): Promise<readonly LogEntry[]>

  /** Adds a member to a set, where it stays until it ends; those that end first make room. */
  addMember(set: string, member: EndingMember, bounds: SetBounds): Promise<void>

  removeMembers(set: string, members: readonly string[]): Promise<void>

  /** All members, in pages; one that is added or removed meanwhile may be there or not. */
  membersOf(set: string): AsyncIterable<readonly EndingMember[]>
}

export type Store = ProcessStore | SharedStore

/** Where an entry of a log stands: its time in milliseconds by the store's clock, and a number. */
export type LogPosition = `${number}-${number}`

export interface LogEntry {
  readonly position: LogPosition
  readonly text: string
}

export interface LogBounds {
  /** About so many entries. */
  readonly most: number
  /** For how long the log is kept after its last entry, milliseconds. */
  readonly ttl: number
}

export interface EndingMember {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly until: number
}

export interface SetBounds {
  /** Milliseconds since the epoch: members that ended before are dropped. */
  readonly now: number
  readonly most: number
  /** For how long the set is kept after its last new member, milliseconds. */
  readonly ttl: number
}

/** A position so many milliseconds earlier. */
export function earlier(position: LogPosition, milliseconds: number): LogPosition {
  return `${Math.max(0, Number.parseInt(position, 10) - milliseconds)}-0`
}

/** The store cannot be used at the moment. Holds no address, password, key or value. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  /** Why, in one word: `ECONNREFUSED`, `timeout`, `READONLY`. */
  readonly reason: string

  constructor(reason: string) {
    super(`the store cannot be used: ${reason}`)
    this.reason = reason
  }
}

/** What a store has to tell. */
export type StoreEvent =
  /** One thing failed. */
  | { readonly kind: 'store_error'; readonly reason: string }
  /** It could be used, or was not tried yet, and cannot be used now. */
  | { readonly kind: 'store_away'; readonly reason: string }
  /** It can be used again. */
  | { readonly kind: 'store_back' }
