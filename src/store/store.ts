/**
 * Keeps small texts for a while. What is in it may be lost at any time (a restart, a lack of memory),
 * so that nothing may be let through because it is not there that would not be without a store.
 *
 * Every method throws {@link StoreUnavailable} when it cannot be said that it was done; it may have
 * been done all the same.
 */
export interface Store {
  /** Whether other processes use the same one. */
  readonly shared: boolean

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
