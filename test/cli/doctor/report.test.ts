import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { progressOn } from '../../../src/cli/doctor/progress.ts'
import {
  consequenceOf,
  type DoctorCheck,
  exitCodeOf,
  inOrder,
  reportJsonSchema,
} from '../../../src/cli/doctor/report.ts'
import { reportTable } from '../../../src/cli/doctor/report-table.ts'
import { recordingTerminal } from '../../support/terminal.ts'

test('deploy/doctor.schema.json is the schema of the report', () => {
  const file = new URL('../../../deploy/doctor.schema.json', import.meta.url)
  const now = reportJsonSchema()
  const message = `write this to deploy/doctor.schema.json: ${JSON.stringify(now)}`
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), now, message)
})

const ok: DoctorCheck = { name: 'configuration', verdict: 'ok', sentence: 'It has no warnings.' }
const cause: DoctorCheck = {
  name: 'discovery',
  verdict: 'failed',
  sentence: 'It is away.',
  remedy: 'Start it.',
}
const following = (['keys', 'clock', 'credential'] as const).map((name): DoctorCheck => {
  return { name, ...consequenceOf('discovery') }
})

test('causes come before what follows from them, whatever was asked first', () => {
  const checks = inOrder([...following.toReversed(), cause, ok])
  assert.deepEqual(
    checks.map(({ name }) => name),
    ['configuration', 'discovery', 'keys', 'clock', 'credential'],
  )
})

for (const [code, checks] of [
  [0, [ok]],
  [0, [ok, { ...ok, verdict: 'warning', remedy: 'x' }]],
  [1, [ok, cause, ...following]],
  [3, [ok, ...following]],
] as const) {
  test(`${checks.map(({ verdict }) => verdict).join(', ')}: it ends with ${code}`, () => {
    assert.equal(exitCodeOf(checks), code)
  })
}

test('what follows from one cause, and what is alike of two resources, is one row', () => {
  const away = { ...cause, name: 'upstream connection' } as const
  const checks = [cause, ...following, { ...away, resource: 'a' }, { ...away, resource: 'b' }]
  assert.deepEqual(
    reportTable(checks)
      .split('\n')
      .map((line) => line.trimEnd()),
    [
      'failed       discovery                    It is away.',
      '                                          → Start it.',
      'not reached  keys, clock, credential      It needs what is wrong under discovery.',
      '                                          → See discovery.',
      'failed       upstream connection of a, b  It is away.',
      '                                          → Start it.',
      '',
      '3 failed, 3 not reached.',
      '',
    ],
  )
})

test('a title that is wider than its column stands on a line of its own', () => {
  const name = 'upstream connection'
  const resource = 'kubernetes-of-europe'
  assert.deepEqual(
    reportTable([ok, { ...cause, name, resource }])
      .split('\n')
      .slice(0, 4),
    [
      'ok           configuration                     It has no warnings.',
      'failed       upstream connection of kubernetes-of-europe',
      '                                               It is away.',
      '                                               → Start it.',
    ],
  )
})

test('in a terminal lines are broken at words, and nothing is lost', () => {
  const sentence = 'One word after another, until the line is full and the next one begins.'
  const table = reportTable([{ ...ok, sentence }], 70)
  const lines = table.split('\n').slice(0, -3)
  assert.ok(lines.length > 1)
  for (const line of lines) assert.ok(line.length <= 70, line)
  assert.equal(lines.map((line) => line.slice(28)).join(' '), sentence)
})

const CLEAR_LINE = '\r\u001b[K'

test('a person who waits is told what is still asked; a pipe is told nothing', async () => {
  for (const columns of [80, undefined]) {
    const terminal = { ...recordingTerminal(), stderrColumns: columns }
    const progress = progressOn(terminal)
    assert.equal(await progress.during('store', Promise.resolve(7)), 7)
    await assert.rejects(progress.during('upstream', Promise.reject(new Error('x'))))
    progress.end()
    if (columns === undefined) assert.equal(terminal.err(), '')
    else {
      const [, first = '', ...rest] = terminal.err().split(CLEAR_LINE)
      assert.equal(first, 'Asking: store …')
      assert.equal(rest.at(-1), '')
    }
  }
})
