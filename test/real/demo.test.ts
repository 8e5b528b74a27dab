import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EXPECTED_SIGHTS, runDemo, sightsIn } from '../support/demo-process.ts'
import { onRealCluster } from './availability.ts'

onRealCluster('demo --once on a real API server', () => {
  test('demo --once on a real API server: each sees their own, in both trust set-ups', async (t) => {
    const run = runDemo(t, ['--once', '--cluster', 'real'], {})
    assert.equal(await run.exit, 0, run.stderr())
    // Each set-up by broker and by relay.
    const all = Array.from({ length: 4 }, () => EXPECTED_SIGHTS).flat()
    assert.deepEqual(sightsIn(run.stdout()), all)
    assert.match(run.stdout(), /AuthenticationConfiguration[\s\S]*TokenReview webhook/)
  })
})
