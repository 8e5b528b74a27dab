import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import type { DerivedKeys } from '../sealing/derived-keys.ts'
import type { EndedSessions } from '../sign-in/sessions/ended-sessions.ts'
import { followEnds } from '../sign-in/sessions/follow-ends.ts'
import { SessionEnds } from '../sign-in/sessions/session-ends.ts'
import { SessionIndex } from '../sign-in/sessions/session-index.ts'
import { SessionNames } from '../sign-in/sessions/session-names.ts'
import { WantedClaims } from '../sign-in/sessions/wanted-claims.ts'
import { createSingleUse } from '../sign-in/single-use/redeem-once.ts'
import type { SingleUse } from '../sign-in/single-use/single-use.ts'
import { createStore } from '../store/create-store.ts'
import type { Store, StoreEvent } from '../store/store.ts'

/** What is known of codes, refresh tokens and sessions. */
export interface Memory {
  readonly store: Store
  readonly singleUse: SingleUse
  readonly sessionNames: SessionNames
  readonly sessionIndex: SessionIndex
  readonly wantedClaims: WantedClaims
  /** Ends the reading of what other processes ended. */
  readonly stopFollowing: () => void
}

export interface MemoryParts {
  readonly clock: Clock
  readonly ended: EndedSessions
  onStoreEvent(event: StoreEvent): void
}

interface Built {
  readonly config: Config
  readonly keys: DerivedKeys
  readonly memory: Memory
}

/** The memory of a configuration; where the store is the same, its connection is kept. */
export async function createMemory(
  { config, keys }: Omit<Built, 'memory'>,
  { clock, ended, onStoreEvent: onEvent }: MemoryParts,
  before?: Built,
): Promise<Memory> {
  const same = JSON.stringify(before?.config.store) === JSON.stringify(config.store)
  if (before && same && keys === before.keys) return before.memory
  const store =
    before && same ? before.memory.store : await createStore(config.store, { clock, onEvent })
  const ends = new SessionEnds({ store, ended, clock })
  const sessionNames = new SessionNames(keys.for('session name'))
  return {
    store,
    sessionNames,
    wantedClaims: new WantedClaims(store),
    sessionIndex: new SessionIndex({ store, names: sessionNames, clock }),
    singleUse: createSingleUse({ store, keys: keys.for('stored answer'), ends, clock }),
    stopFollowing: before && same ? before.memory.stopFollowing : follow(store, { clock, ended }),
  }
}

function follow(store: Store, { ended, clock }: Omit<MemoryParts, 'onStoreEvent'>): () => void {
  return store.shared ? followEnds(store, ended, clock) : () => undefined
}

/** Ends the connection, unless a successor took it over. */
export function closeMemory({ store, stopFollowing }: Memory, successor?: Memory): void {
  if (store === successor?.store) return
  stopFollowing()
  store.close()
}
