/** `npm test`: the quick suite, or the test files and folders that are named. */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { selectTestFiles } from './files.ts'
import { createSummary, describeFailure } from './summary.ts'
import { runFiles } from './worker-pool.ts'

/** Longer than any test waits. */
const MOST_SILENCE_MS = 180_000
/** For what closes by itself after a while, as idle connections do. */
const END_TIMEOUT_MS = 10_000

const root = fileURLToPath(new URL('../..', import.meta.url))
process.chdir(root)
const began = performance.now()
const files = selectTestFiles(root, process.argv.slice(2))
const summary = createSummary()
await runFiles({
  files,
  workers: Math.min(files.length, availableParallelism()),
  patience: END_TIMEOUT_MS,
  silence: MOST_SILENCE_MS,
  onResult(result) {
    summary.add(result)
    if (result.outcome === 'fail') console.log(describeFailure(result))
  },
})
process.stdout.write(summary.text(performance.now() - began))
process.exitCode = summary.passed ? 0 : 1
