import type { Clock } from '../../clock.ts'
import { earlier, type LogPosition, type SharedStore, StoreUnavailable } from '../../store/store.ts'
import { readEnd } from './end-entry.ts'
import type { EndedSessions } from './ended-sessions.ts'
import { ENDS_LOG } from './session-ends.ts'

/** Three of them fit into the 15 s after which an end is known everywhere. */
const READ_EVERY_MS = 5_000
const PAGE = 1_000
/**
 * What is read again each time: a replica that became the primary may have a clock behind, and give
 * new entries earlier positions.
 */
const READ_AGAIN_MS = 60_000

/**
 * Reads what other processes ended, now and every few seconds. An outage of the store changes nothing
 * for calls: they go on, and what was missed is read after it, all of it, since the store may be
 * another one then.
 *
 * @returns ends the reading
 */
export function followEnds(store: SharedStore, ended: EndedSessions, clock: Clock): () => void {
  let position: LogPosition | undefined
  let cancel = (): void => undefined
  let stopped = false
  const readAll = async (): Promise<void> => {
    let after = position && earlier(position, READ_AGAIN_MS)
    for (;;) {
      const entries = await store.readLog(ENDS_LOG, after, PAGE)
      if (stopped) return
      ended.add(entries.map(({ text }) => readEnd(text)).filter((end) => end !== undefined))
      const last = entries.at(-1)
      if (last) position = after = last.position
      if (entries.length < PAGE) return
    }
  }
  const read = (): void => {
    readAll()
      .catch((error: unknown) => {
        if (!(error instanceof StoreUnavailable)) throw error
        position = undefined
      })
      .finally(() => {
        if (!stopped) cancel = clock.after(READ_EVERY_MS, read)
      })
  }
  read()
  return () => {
    stopped = true
    cancel()
  }
}
