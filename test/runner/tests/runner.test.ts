import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { selectTestFiles } from '../files.ts'
import type { TestResult } from '../messages.ts'
import { createSummary, describeFailure } from '../summary.ts'
import { runFiles } from '../worker-pool.ts'

const HEAD = `
  import { test, describe, before, after, afterEach } from 'node:test'
  const soon = () => new Promise((done) => setTimeout(done, 50))
`

function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-runner-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), HEAD + content)
  }
  return folder
}

/** Runs files of these contents in one process, and returns each result as one line. */
async function resultsOf(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  silence = 20_000,
): Promise<{ readonly lines: readonly string[]; readonly results: readonly TestResult[] }> {
  const folder = folderWith(t, files)
  const results: TestResult[] = []
  await runFiles({
    files: Object.keys(files).map((name) => join(folder, name)),
    workers: 1,
    silence,
    patience: 500,
    onResult: (result) => void results.push({ ...result, file: result.file.slice(folder.length) }),
  })
  const lines = results.map(({ file, path, outcome }) => [outcome, file, ...path].join(' '))
  return { lines, results }
}

const GOOD = "test('good', () => {})"

test('every file is a suite of its own: what it does around its tests is done around them alone', async (t) => {
  const hooks = `
    let count = 0
    const mine = () => { if (globalThis.inside !== import.meta.url) throw new Error('not mine') }
    before(() => { count += 1; globalThis.inside = import.meta.url })
    afterEach(mine)
    after(() => { mine(); delete globalThis.inside; if (count !== 1) throw new Error('twice') })
    test('one', mine)
    test('two', async (t) => { await t.test('inner', mine) })`
  const { lines } = await resultsOf(t, { 'a.mjs': hooks, 'b.mjs': GOOD, 'c.mjs': hooks })
  assert.deepEqual(lines, [
    'pass /a.mjs one',
    'pass /a.mjs two inner',
    'pass /a.mjs two',
    'pass /b.mjs good',
    'pass /c.mjs one',
    'pass /c.mjs two inner',
    'pass /c.mjs two',
  ])
})

/** What a file may do, and what is told of it, beside the good one after it. */
const kinds: Readonly<Record<string, { file: string; lines: readonly string[]; text: RegExp }>> = {
  'a test that fails': {
    file: "describe('s', () => { test('t', () => { throw new Error('wrong') }) })",
    lines: ['fail /a.mjs s t'],
    text: /Error: wrong\n +at .*a\.mjs/,
  },
  'a file that cannot be loaded': {
    file: "throw new Error('at load')",
    lines: ['fail /a.mjs'],
    text: /at load/,
  },
  'a hook that fails': {
    file: "after(() => { throw new Error('in a hook') })\ntest('t', () => {})",
    lines: ['pass /a.mjs t', 'fail /a.mjs'],
    text: /in a hook/,
  },
  'a process that ends': {
    file: "test('first', () => {})\ntest('t', async () => { await soon(); console.error('last words'); process.exit(3) })",
    lines: ['fail /a.mjs t'],
    text: /exited with code 3\nlast words/,
  },
  'a process that is killed': {
    file: "test('t', async () => { await soon(); process.kill(process.pid, 'SIGKILL') })",
    lines: ['fail /a.mjs t'],
    text: /ended by SIGKILL/,
  },
  'a rejection that nobody takes': {
    file: "test('t', async () => { Promise.reject(new Error('lost')); await new Promise(setImmediate) })",
    lines: ['fail /a.mjs t'],
    text: /lost/,
  },
  'a test that is skipped': {
    file: "test('t', { skip: 'no cluster' }, () => {})",
    lines: ['skip /a.mjs t'],
    text: /^no cluster$/,
  },
}
for (const [what, { file, lines: expected, text }] of Object.entries(kinds)) {
  test(`${what} is told with its file, and hides no other`, async (t) => {
    const { lines, results } = await resultsOf(t, { 'a.mjs': file, 'b.mjs': GOOD })
    const told = results.filter(({ path }) => path[0] !== 'first')
    assert.deepEqual(
      lines.filter((line) => line !== 'pass /a.mjs first'),
      [...expected, 'pass /b.mjs good'],
    )
    assert.match(told[expected.length - 1]?.text ?? '', text)
  })
}

test('a test that never ends is ended with its process, and hides no other', async (t) => {
  const file = "test('t', () => new Promise((done) => setTimeout(done, 60_000)))"
  const { lines, results } = await resultsOf(t, { 'a.mjs': file, 'b.mjs': GOOD }, 1_500)
  assert.deepEqual(lines, ['fail /a.mjs t', 'pass /b.mjs good'])
  assert.match(results[0]?.text ?? '', /nothing was heard of it for 1\.5 s/)
})

test('what a test leaves to happen after its end is a failure that names it', async (t) => {
  const late = `
    test('t', () => { setTimeout(() => { throw new Error('late') }, 5) })
    test('next', async () => { await new Promise((done) => setTimeout(done, 50)) })`
  const { lines, results } = await resultsOf(t, { 'a.mjs': late })
  assert.deepEqual(lines, ['pass /a.mjs t', 'pass /a.mjs next', 'fail '])
  assert.match(results[2]?.text ?? '', /Test "t" at .*a\.mjs.*late/)
})

test('what a test leaves open is a failure', async (t) => {
  const open =
    "import { createServer } from 'node:net'\ntest('t', () => { createServer().listen(0) })"
  const { lines, results } = await resultsOf(t, { 'a.mjs': open })
  assert.deepEqual(lines, ['pass /a.mjs t', 'fail '])
  assert.match(results[1]?.text ?? '', /left something open: TCPServerWrap/)
})

test('places are folders and files; the quick suite leaves out what has scripts of its own', (t) => {
  const names = ['access/a', 'clients/suites/b', 'idp/dex/c', 'idp/d', 'slow/suites/e', 'faults/f']
  const folder = folderWith(
    t,
    Object.fromEntries(names.map((name) => [`test/${name}.test.ts`, ''])),
  )
  const select = (...places: string[]) => selectTestFiles(folder, places)
  assert.deepEqual(select(), [
    'test/faults/f.test.ts',
    'test/access/a.test.ts',
    'test/idp/d.test.ts',
  ])
  assert.deepEqual(select('test/slow', './test/access/'), [
    'test/access/a.test.ts',
    'test/slow/suites/e.test.ts',
  ])
  assert.deepEqual(select('test/idp', 'test/idp/d.test.ts'), ['test/idp/d.test.ts'])
  assert.throws(() => select('test/nothing'), /no test file at test\/nothing/)
  assert.throws(() => select('test/access/a.ts'), /no test file/)
})

test('the last words are the failures again, why tests were skipped, and the counts', () => {
  const summary = createSummary()
  assert.equal(summary.passed, false, 'nothing ran')
  const one: TestResult = { file: 'a.test.ts', path: ['s', 't'], outcome: 'pass', text: '' }
  summary.add(one)
  assert.equal(summary.passed, true)
  for (let i = 0; i < 2; i += 1) summary.add({ ...one, outcome: 'skip', text: 'no cluster' })
  const failure: TestResult = { ...one, outcome: 'fail', text: 'Error: no\n  at x' }
  summary.add(failure)
  assert.equal(summary.passed, false)
  assert.equal(
    summary.text(1234.5),
    'not ok a.test.ts › s › t\nskipped 2: no cluster\n# tests 4\n# pass 1\n# fail 1\n' +
      '# cancelled 0\n# skipped 2\n# todo 0\n# duration_ms 1235\n',
  )
  assert.equal(describeFailure(failure), 'not ok a.test.ts › s › t\n    Error: no\n      at x\n')
})
