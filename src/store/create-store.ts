import type { Clock } from '../clock.ts'
import type { StoreConfig } from '../config/config.ts'
import { MemoryStore } from './memory-store.ts'
import type { Store, StoreEvent } from './store.ts'

export interface StoreContext {
  readonly clock: Clock
  readonly onEvent: (event: StoreEvent) => void
}

/**
 * The store that is configured, else this process's memory. Never waits for a connection; what speaks
 * to Redis is loaded only where there is one.
 */
export async function createStore(
  config: StoreConfig,
  { clock, onEvent }: StoreContext,
): Promise<Store> {
  const { redis_url: url } = config
  if (url === undefined) return new MemoryStore(clock)
  const { RedisStore } = await import('./redis-store.ts')
  return new RedisStore({ ...config, redis_url: url }, onEvent)
}
