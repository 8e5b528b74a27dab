import type { Clock } from '../../clock.ts'
import { sha256 } from '../../sealing/digest.ts'

const POLL_EVERY_MS = 5_000

/** What is watched, and who is told. */
export interface Watch {
  readonly clock: Clock
  /** Asked before each look, since a reload can bring other files. */
  paths(): readonly string[]
  read(path: string): string
  /** The content of a file changed. */
  changed(): void
}

/**
 * Watches the contents of files. By polling: Kubernetes swaps symlinks, which notifications miss. A
 * file that cannot be read at the moment counts as unchanged.
 *
 * @returns stops looking
 */
export function watchFiles(watch: Watch): () => void {
  const digests = new Map<string, string>()
  let cancel: () => void = () => undefined
  const look = (): boolean => {
    let differs = false
    for (const path of watch.paths()) {
      const digest = digestOf(path, watch)
      if (digest === undefined) continue
      const before = digests.get(path)
      differs ||= before !== undefined && before !== digest
      digests.set(path, digest)
    }
    return differs
  }
  const lookAgain = (): void => {
    if (look()) watch.changed()
    cancel = watch.clock.after(POLL_EVERY_MS, lookAgain)
  }
  lookAgain()
  return () => cancel()
}

function digestOf(path: string, { read }: Watch): string | undefined {
  try {
    return sha256(read(path))
  } catch {
    return undefined
  }
}
