import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helmMissing } from '../helm/distribution.ts'

/** As `onRealCluster`: fails with CI=true where Helm is missing, and is else skipped with the remedy. */
export function withHelm(name: string, define: () => void): void {
  const missing = helmMissing()
  if (missing === undefined) define()
  else if (process.env['CI'] === 'true') test(name, () => assert.fail(missing))
  else test(name, { skip: missing }, () => undefined)
}
