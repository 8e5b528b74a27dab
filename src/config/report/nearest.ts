import { closest, distance } from 'fastest-levenshtein'

/**
 * Words that lead from an unknown name to a known one.
 *
 * @param name as it was written
 * @param known the names that may stand there
 */
export function nearestHint(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'Remove it.'
  return (
    likelyHint(name, known) ?? `Remove it; the nearest known name is "${closest(name, known)}".`
  )
}

/** The same where nothing is to be removed; nothing where no known name is alike. */
export function likelyHint(name: string, known: readonly string[]): string | undefined {
  const nearest = closest(name, known)
  const alike = distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3))
  return alike ? `Did you mean "${nearest}"?` : undefined
}
