import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

function shellScripts(): readonly string[] {
  const { stdout } = spawnSync('git', ['ls-files', '.ci', 'deploy', 'test'], {
    cwd: root,
    encoding: 'utf8',
  })
  const named = stdout.split('\n').filter((path) => /(^|\/)[\w-]+(\.sh)?$/.test(path))
  return named.filter((path) => /^#!.*\bbash\n/.test(readFileSync(join(root, path), 'utf8')))
}

test('shellcheck has nothing to say of any script', (t) => {
  const scripts = shellScripts()
  assert.ok(scripts.includes('deploy/entra/register.sh') && scripts.includes('.ci/run'))
  const { error, stdout, status } = spawnSync('shellcheck', scripts, {
    cwd: root,
    encoding: 'utf8',
  })
  if (error === undefined) assert.equal(status, 0, stdout)
  else if (process.env['CI'] === 'true') assert.fail(`no shellcheck: ${error.message}`)
  else t.skip('no shellcheck')
})
