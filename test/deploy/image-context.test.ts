import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the image's build is given: the sources of each `COPY` that is not of another stage. */
function copied(): readonly string[] {
  const lines = readFileSync(join(root, 'Dockerfile'), 'utf8').matchAll(/^COPY (?!--from)(.+)$/gm)
  return [...lines].flatMap(([, names = '']) => names.split(' ').slice(0, -1))
}

test('the program is built from what the image copies, and none of that is ignored', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-image-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const sent = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
  for (const name of copied()) {
    assert.ok(sent.includes(`!${name}`), `.dockerignore leaves ${name} out`)
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  await run('npm', ['run', '-s', 'build'], { cwd: folder })
  assert.ok(existsSync(join(folder, 'dist', 'rolecall.js')))
})
