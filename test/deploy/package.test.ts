import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startChild, untilAnswers } from '../environment/child-process.ts'
import { freePort } from '../environment/ports.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'rolecall-package-'))
const [clone, empty] = [join(folder, 'clone'), join(folder, 'empty')]
const program = join(empty, 'node_modules/.bin/rolecall')

function run(command: string, parameters: readonly string[], cwd: string) {
  return spawnSync(command, parameters, { cwd, encoding: 'utf8' })
}

function packages(): readonly string[] {
  return readdirSync(clone).filter((name) => name.endsWith('.tgz'))
}

/** What is tracked or new here, as a clone has it, without what was built. */
before(() => {
  const { stdout } = run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], root)
  for (const path of stdout.split('\n').filter(Boolean)) cpSync(join(root, path), join(clone, path))
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
  mkdirSync(empty)
  writeFileSync(join(empty, 'package.json'), '{}')
})
after(() => rmSync(folder, { recursive: true }))

test('npm pack makes a package of the program and nothing else, and leaves the clone as it was', () => {
  const manifest = readFileSync(join(clone, 'package.json'), 'utf8')
  const { status, stderr } = run('npm', ['pack'], clone)
  assert.equal(status, 0, stderr)
  assert.equal(readFileSync(join(clone, 'package.json'), 'utf8'), manifest)
  assert.ok(!readdirSync(clone).includes('package.json.clone'))
  const [name = '', ...more] = packages()
  assert.deepEqual(more, [])
  const { stdout } = run('tar', ['--list', '--file', name], clone)
  const paths = stdout.split('\n').filter(Boolean)
  const first = (path: string): string => path.split('/')[1] ?? ''
  const entries = ['LICENSE', 'README.md', 'dist', 'package.json']
  assert.deepEqual([...new Set(paths.map(first))].sort(), entries)
  const development = /mock|demo|\/test|\/(?:tsx|typescript|oidc-provider)@/
  assert.deepEqual(
    paths.filter((path) => development.test(path)),
    [],
  )
})

test('it is installed into an empty folder without a registry and without a warning', () => {
  const [name = ''] = packages()
  const ways = [['install'], ['install', '--global', '--prefix', join(folder, 'global')]]
  for (const way of ways) {
    const { status, stderr } = run('npm', [...way, '--offline', join(clone, name)], empty)
    assert.deepEqual([status, stderr], [0, ''])
  }
  const { stdout } = run(join(folder, 'global/bin/rolecall'), ['--version'], folder)
  assert.match(stdout, /^rolecall \d/)
})

test('there it says what it can do, makes keys, checks and serves', async (t) => {
  assert.match(run(program, ['--help'], empty).stdout, /^Usage: rolecall <command>/)
  assert.match(run(program, ['keygen'], empty).stdout, /^[\w-]{43}\n$/)
  const [port, adminPort] = [await freePort(), await freePort()]
  writeFileSync(
    join(empty, 'rolecall.yaml'),
    JSON.stringify({
      listen: `127.0.0.1:${port}`,
      admin_listen: `127.0.0.1:${adminPort}`,
      identity_provider: { kind: 'oidc', issuer: 'http://127.0.0.1:9' },
      sign_in: { mode: 'off' },
      resource: [{ upstream: 'http://127.0.0.1:9/mcp', audiences: ['mcp'] }],
    }),
  )
  const checked = run(program, ['check', '--config', 'rolecall.yaml'], empty)
  assert.equal(checked.status, 0, checked.stderr)
  const child = await startChild({
    command: program,
    arguments: ['serve', '--config', join(empty, 'rolecall.yaml')],
    environment: { PATH: process.env['PATH'] },
  })
  t.after(() => child.close())
  await untilAnswers(child, 'rolecall', `http://127.0.0.1:${adminPort}/livez`)
})
