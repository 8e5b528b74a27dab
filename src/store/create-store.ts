import type { Clock } from '../clock.ts'
import type { StoreConfig } from '../config/config.ts'
import { MemoryStore } from './memory-store.ts'
import { RedisStore } from './redis-store.ts'
import type { Store, StoreEvent } from './store.ts'

export interface StoreContext {
  readonly clock: Clock
  onEvent(event: StoreEvent): void
}

/** The store that is configured, else this process's memory. Never waits for a connection. */
export function createStore({ redis_url: url }: StoreConfig, around: StoreContext): Store {
  if (url === undefined) return new MemoryStore(around.clock)
  return new RedisStore(url, (event) => around.onEvent(event))
}
