import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { rolecallProgram } from '../environment/program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

function rolecall(...argv: string[]) {
  return spawnSync(process.execPath, [...rolecallProgram, ...argv], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
    timeout: 60_000,
  })
}

test('the program itself: output, error output and exit codes are those of the command', () => {
  const fixture = ['--config', 'test/fixtures/drop-in.toml']
  const good = rolecall('check', ...fixture, '--upstream', 'http://localhost:1/mcp')
  assert.equal(good.status, 0, good.stderr)
  assert.match(good.stdout, /^public_url = "http:\/\/localhost:8080"$/m)
  assert.match(good.stderr, /^warning: /)
  const bad = rolecall('check', ...fixture)
  assert.equal(bad.status, 2)
  assert.equal(bad.stdout, '')
  assert.match(bad.stderr, /^error: upstream is required$/m)
  const unknown = rolecall('chek')
  assert.equal(unknown.status, 2)
  assert.match(unknown.stderr, /Did you mean "check"/)
})
