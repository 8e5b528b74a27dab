import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { watchFiles } from '../../../src/cli/reload/watched-files.ts'
import { SimulatedClock } from '../../support/clock.ts'

/** A folder as Kubernetes mounts one: the file is a link through `..data` to a dated folder. */
function mount(t: TestContext, content: string) {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-mount-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  let version = 0
  const put = (text: string) => {
    version += 1
    mkdirSync(join(folder, `..v${version}`))
    writeFileSync(join(folder, `..v${version}`, 'key'), text)
    symlinkSync(`..v${version}`, join(folder, '..new'))
    renameSync(join(folder, '..new'), join(folder, '..data'))
  }
  put(content)
  symlinkSync(join('..data', 'key'), join(folder, 'key'))
  return { path: join(folder, 'key'), put, remove: () => rmSync(join(folder, '..data')) }
}

function watch(t: TestContext, paths: string[]) {
  const clock = new SimulatedClock()
  let changes = 0
  const stop = watchFiles({
    clock,
    paths: () => paths,
    read: (path) => readFileSync(path, 'utf8'),
    changed: () => {
      changes += 1
    },
  })
  t.after(stop)
  return { changes: () => changes, stop, pass: () => clock.advance(5_000) }
}

test('a swapped link is seen within seconds, once', async (t) => {
  const { path, put } = mount(t, 'one')
  const { changes, pass } = watch(t, [path])
  await pass()
  assert.equal(changes(), 0)
  put('two')
  await pass()
  assert.equal(changes(), 1)
  await pass()
  assert.equal(changes(), 1)
})

test('the same content under another link is no change', async (t) => {
  const { path, put } = mount(t, 'one')
  const { changes, pass } = watch(t, [path])
  put('one')
  await pass()
  assert.equal(changes(), 0)
})

test('a file that is gone for a moment is no change, and what comes back is', async (t) => {
  const { path, put, remove } = mount(t, 'one')
  const { changes, pass } = watch(t, [path])
  remove()
  await pass()
  assert.equal(changes(), 0)
  put('two')
  await pass()
  assert.equal(changes(), 1)
})

test('a file that a reload brings is watched from then on', async (t) => {
  const one = mount(t, 'one')
  const other = mount(t, 'other')
  const paths = [one.path]
  const { changes, pass } = watch(t, paths)
  paths.push(other.path)
  await pass()
  assert.equal(changes(), 0)
  other.put('changed')
  await pass()
  assert.equal(changes(), 1)
})

test('nothing is looked at after the end', async (t) => {
  const { path, put } = mount(t, 'one')
  const { changes, pass, stop } = watch(t, [path])
  stop()
  put('two')
  await pass()
  assert.equal(changes(), 0)
})
