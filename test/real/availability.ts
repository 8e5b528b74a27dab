import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClusterMissing } from '../environment/cluster/real/kube-binaries.ts'

/**
 * Defines tests that need a real API server. Where its programs are missing, one test stands in
 * their place: it fails with CI=true and is else skipped, and says what to do in both cases. Nothing
 * is built here.
 */
export function onRealCluster(name: string, define: () => void): void {
  const missing = realClusterMissing()
  if (missing === undefined) {
    define()
  } else if (process.env['CI'] === 'true') {
    test(name, () => assert.fail(missing))
  } else {
    test(name, { skip: missing }, () => undefined)
  }
}
