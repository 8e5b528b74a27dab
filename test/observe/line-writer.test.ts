import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type LineKind, LineWriter, type LostLines } from '../../src/observe/line-writer.ts'
import { until } from '../support/fault-load.ts'

/** A named pipe whose reader reads nothing until it is told to. */
function stoppedReader(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-lines-'))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  t.after(() => {
    closeSync(fd)
    closeSync(reader)
    rmSync(folder, { recursive: true })
  })
  return { fd, read: () => readAll(reader) }
}

function readAll(fd: number): string {
  const chunk = Buffer.alloc(1_048_576)
  let text = ''
  for (;;) {
    try {
      const bytes = readSync(fd, chunk)
      if (bytes === 0) return text
      text += chunk.toString('utf8', 0, bytes)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return text
      throw error
    }
  }
}

function writer(fd: number) {
  const lines = new LineWriter(fd)
  const lost: LostLines[] = []
  lines.tellLosses((one) => lost.push(one))
  const write = (kind: LineKind, line: string) => lines.stream(kind).write(line)
  return { lines, lost, write }
}

test('lines are written in their order, whatever their kind', async (t) => {
  const { fd, read } = stoppedReader(t)
  const { lines, write } = writer(fd)
  const kinds = ['other', 'request', 'audit', 'request', 'other'] as const
  for (const [i, kind] of kinds.entries()) write(kind, `${i}\n`)
  await lines.written()
  assert.equal(read(), '0\n1\n2\n3\n4\n')
})

test('an audit line is written at once, others within a moment', async (t) => {
  const { fd, read } = stoppedReader(t)
  const { write } = writer(fd)
  write('audit', 'audit\n')
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(read(), 'audit\n')
  write('request', 'request\n')
  let text = ''
  await until('it is written', () => {
    text += read()
    return text === 'request\n'
  })
})

test('a reader that stands still costs bounded memory: request lines go first, are counted and told', async (t) => {
  const { fd, read } = stoppedReader(t)
  const { lines, lost, write } = writer(fd)
  const line = `${'x'.repeat(9_999)}\n`
  for (let i = 0; i < 2_000; i += 1) write('request', line)
  const requests = lines.lost.request
  assert.ok(requests > 1_000 && requests < 1_300, `${requests} of 2,000 were left out`)
  for (let i = 0; i < 500; i += 1) write('audit', `audit ${i} ${line}`)
  assert.deepEqual(lines.lost, { request: requests, other: 0 }, 'audit lines still have room')
  write('request', line)
  assert.equal(lines.lost.request, requests + 1)
  for (let i = 0; i < 2_000; i += 1) write('other', line)
  assert.ok(lines.lost.other > 1_000, 'but everything has a bound')
  await assert.rejects(lines.written(), /left out/)
  assert.deepEqual(lost, [])

  let text = ''
  await until(
    'it is told once lines are read again',
    () => {
      text += read()
      return lost.length === 1
    },
    20_000,
  )
  assert.deepEqual(lost, [{ request: requests + 1, other: lines.lost.other }])
  write('audit', 'last\n')
  await until(
    'all are read',
    () => {
      text += read()
      return text.endsWith('last\n')
    },
    20_000,
  )
  assert.equal(text.match(/^audit \d+ /gm)?.length, 500)
})

test('what cannot be written is counted and told, and whoever waits for it hears so', async (t) => {
  const full = openSync('/dev/full', 'w')
  t.after(() => closeSync(full))
  const { lines, lost, write } = writer(full)
  write('audit', 'a\n')
  await assert.rejects(lines.written(), /ENOSPC/)
  assert.deepEqual(lines.lost, { request: 0, other: 1 })
  assert.deepEqual(lost, [])
})

test('at the end of the process what waits is written, unless that would block', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-lines-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const fd = openSync(join(folder, 'log'), 'a')
  const { lines, write } = writer(fd)
  write('other', 'waits\n')
  lines.flushSync()
  closeSync(fd)
  assert.equal(readFileSync(join(folder, 'log'), 'utf8'), 'waits\n')
})
