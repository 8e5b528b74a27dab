/** One problem with the configuration, or one warning. */
export interface Problem {
  /** The setting as its author wrote it: `resource[0].upstream`, `ROLECALL__LISTEN`, `--tenant`. */
  readonly key: string
  /** What is wrong, as a predicate: `must be a number of bytes, not a string`. */
  readonly message: string
  /** What to write instead; a full sentence. */
  readonly remedy: string
  /** Of a warning: nobody can sign in, or call, with it. */
  readonly excludesAll?: true
}

/**
 * Words problems for a terminal: one paragraph each, the remedy below it, indented.
 *
 * @param problems in the order in which they are shown
 * @param kind how each paragraph begins
 * @returns text that ends with a line break, or nothing when there is no problem
 */
export function formatProblems(problems: readonly Problem[], kind: 'error' | 'warning'): string {
  return problems
    .map(({ key, message, remedy }) => `${kind}: ${key} ${message}\n  ${remedy}\n`)
    .join('')
}
