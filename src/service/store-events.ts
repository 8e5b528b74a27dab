import type { Clock } from '../clock.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import { redisRemedy } from '../store/redis-remedies.ts'
import type { StoreEvent } from '../store/store.ts'
import type { Operation } from './operation.ts'

/** Logs when the store goes and when it comes back, and counts every error. */
export function reportStoreEvent(
  event: StoreEvent,
  {
    log,
    metrics,
    clock,
    operation,
  }: {
    readonly log: Logger
    readonly metrics: Pick<Metrics, 'storeErrors'>
    readonly clock: Clock
    readonly operation: Pick<Operation, 'storeAway'>
  },
): void {
  switch (event.kind) {
    case 'store_error':
      metrics.storeErrors.inc()
      break
    case 'store_away':
      operation.storeAway = { at: clock.now(), what: event.reason }
      log.error(
        { kind: 'store', reason: event.reason, remedy: redisRemedy(event.reason) },
        'the store of [store] cannot be used: no user can sign in or refresh, and calls go on',
      )
      break
    case 'store_back':
      operation.storeAway = undefined
      log.info({ kind: 'store' }, 'the store can be used again')
  }
}
