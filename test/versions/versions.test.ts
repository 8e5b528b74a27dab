import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { NODE_FLOOR, PACKAGE_FLOORS } from './floors.ts'
import { judgeInstalled } from './installed.ts'
import { judgeVersions, versionsText } from './judge-versions.ts'

test('nothing that is installed has an advisory which concerns us: npm run versions', () => {
  const judged = judgeInstalled()
  const below = judged.filter(({ verdict }) => verdict === 'below')
  assert.deepEqual(below, [], versionsText(below))
})

test('every package of the table is installed, so that no row judges nothing', () => {
  const names = new Set(judgeInstalled().map(({ name }) => name))
  assert.deepEqual(
    [...PACKAGE_FLOORS, NODE_FLOOR].filter(({ name }) => !names.has(name)),
    [],
  )
})

test('the image has a line of Node.js that is kept', () => {
  const file = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')
  const line = /library\/node:(\d+)/.exec(file)?.[1]
  assert.ok(line !== undefined && Number(line) >= 22 && NODE_FLOOR.lines[Number(line)], line)
})

const floors = [{ name: 'x', lines: { 6: '6.28.0', 7: '7.29.0' }, why: 'CVE-1' }]
const judged: readonly (readonly [version: string, verdict: 'ok' | 'below'])[] = [
  ['7.29.0', 'ok'],
  ['7.29.1', 'ok'],
  ['7.100.0', 'ok'],
  ['7.28.99', 'below'],
  ['7.29.0-rc.1', 'below'],
  ['6.28.0', 'ok'],
  ['6.27.9', 'below'],
  ['5.99.0', 'below'],
  ['8.0.0', 'ok'],
]
for (const [version, verdict] of judged) {
  test(`${version} is ${verdict} with floors 6.28.0 and 7.29.0`, () => {
    const [one] = judgeVersions([{ name: 'x', version, place: 'node_modules/x' }], floors)
    assert.equal(one?.verdict, verdict)
    const text = versionsText(one ? [one] : [])
    assert.equal(text.includes('CVE-1'), verdict === 'below')
  })
}
