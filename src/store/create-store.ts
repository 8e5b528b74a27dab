import type { Clock } from '../clock.ts'
import type { StoreConfig } from '../config/config.ts'
import { MemoryStore } from './memory-store.ts'
import { RedisStore } from './redis-store.ts'
import type { Store, StoreEvent } from './store.ts'

export interface StoreContext {
  readonly clock: Clock
  readonly onEvent: (event: StoreEvent) => void
}

/** The store that is configured, else this process's memory. Never waits for a connection. */
export function createStore(config: StoreConfig, { clock, onEvent }: StoreContext): Store {
  const { redis_url: url } = config
  if (url === undefined) return new MemoryStore(clock)
  return new RedisStore({ ...config, redis_url: url }, onEvent)
}
