import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { commands } from '../../src/cli/commands.ts'
import { dispatch } from '../../src/cli/dispatch.ts'
import { recordingTerminal } from '../support/terminal.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const README = read('README.md')

async function helpNames(): Promise<readonly string[]> {
  const terminal = recordingTerminal()
  await dispatch(['--help'], terminal, commands)
  return [...terminal.out().matchAll(/^ {2}(\w+) /gm)].map(([, name = '']) => name).sort()
}

test('the list of commands in the README is that of --help', async () => {
  const listed = [...README.matchAll(/^rolecall (\w+) .*#/gm)].map(([, name = '']) => name)
  assert.deepEqual(listed.sort(), await helpNames())
})

test('a clone has a script for each of them, as the README says', async () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const name of await helpNames()) {
    assert.equal(scripts[name], `node --import tsx src/cli/rolecall.ts ${name}`)
  }
})
