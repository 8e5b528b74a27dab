import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

/**
 * A suite over a program that is fetched or built by a script of its own. Where it is missing the
 * suite is skipped, with the remedy; in CI it fails.
 *
 * @param find its path, or an error with the remedy
 */
export function whenThere(name: string, find: () => string, suite: (path: string) => void): void {
  let path: string
  try {
    path = find()
  } catch (error) {
    const missing = error instanceof Error ? error.message : String(error)
    if (process.env['CI'] === 'true') test(name, () => assert.fail(missing))
    else test(name, { skip: missing }, () => undefined)
    return
  }
  describe(name, () => suite(path))
}
