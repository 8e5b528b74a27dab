import { createHash } from 'node:crypto'
import { setInterval } from 'node:timers'

const POLL_EVERY = 5_000

/**
 * Calls `changed` after the content of any file changed. By polling: Kubernetes swaps symlinks,
 * which notifications miss. A file that cannot be read at the moment counts as unchanged.
 *
 * @param paths asked before each look, since a reload can bring other files
 * @returns stops looking
 */
export function watchFiles(
  paths: () => readonly string[],
  read: (path: string) => string,
  changed: () => void,
): () => void {
  const digests = new Map<string, string>()
  const look = (): boolean => {
    let differs = false
    for (const path of paths()) {
      const digest = digestOf(path, read)
      if (digest === undefined) continue
      const before = digests.get(path)
      differs ||= before !== undefined && before !== digest
      digests.set(path, digest)
    }
    return differs
  }
  look()
  const timer = setInterval(() => {
    if (look()) changed()
  }, POLL_EVERY)
  timer.unref()
  return () => clearInterval(timer)
}

function digestOf(path: string, read: (path: string) => string): string | undefined {
  try {
    return createHash('sha256').update(read(path)).digest('base64')
  } catch {
    return undefined
  }
}
