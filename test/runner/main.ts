/** `npm test`: the quick suite, or the test files and folders that are named. */
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COMPILED_PROGRAM } from '../environment/program.ts'
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
const places = process.argv.slice(2)
const files = selectTestFiles(root, places)
// The quick suite starts rolecall many times; a part of it is done before that is compiled.
if (places.length === 0) process.env[COMPILED_PROGRAM] = build()
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

/** Compiles the product as it is shipped, and returns its program. */
function build(): string {
  execFileSync('npm', ['run', '-s', 'build'], { stdio: 'inherit' })
  return resolve('dist/rolecall.js')
}
