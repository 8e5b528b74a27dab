import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Whether a file at this place may import that one. */
const imports: readonly (readonly [from: string, to: string, may: boolean])[] = [
  ['src/access/a.ts', 'src/oauth/jwt.ts', true],
  ['src/access/checks/a.ts', 'src/issuer/issuer-profile.ts', true],
  ['src/forward/a.ts', 'src/access/authorize.ts', true],
  ['src/cli/doctor/a.ts', 'src/service/service.ts', true],
  ['src/net/a.ts', 'src/clock.ts', true],
  // Against the layers, from rooms that are there.
  ['src/oauth/a.ts', 'src/config/load.ts', false],
  ['src/access/a.ts', 'src/forward/forward.ts', false],
  ['src/access/checks/a.ts', 'src/sign-in/broker.ts', false],
  ['src/issuer/token-endpoint/a.ts', 'src/http/app.ts', false],
  ['src/sign-in/token/a.ts', 'src/forward/forward.ts', false],
  ['src/forward/upstream/a.ts', 'src/sign-in/broker.ts', false],
  ['src/http/routes/a.ts', 'src/cli/serve/serve.ts', false],
  ['src/service/a.ts', 'src/cli/serve/serve.ts', false],
  ['src/sealing/a.ts', 'src/store/store.ts', false],
  // A room that nobody has opened yet, and one within an old one.
  ['src/new-room/a.ts', 'src/oauth/jwt.ts', false],
  ['src/new-room/deep/er/a.ts', 'src/net/loopback.ts', false],
  ['src/access/new-room/a.ts', 'src/http/app.ts', false],
  ['src/access/new-room/deeper/a.ts', 'src/http/app.ts', false],
  ['src/access/new-room/a.ts', 'src/oauth/jwt.ts', true],
]

function pathBetween(from: string, to: string): string {
  const up = '../'.repeat(dirname(from).split('/').length - 1)
  return up + to.slice('src/'.length)
}

const LINT = ['lint', '--only=style/noRestrictedImports', '--vcs-enabled=false']

/** What the lint says of each place, planted in a folder with the project's rules and nothing else. */
const refused = new Set<string>()

const rooms = readdirSync(join(root, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
const fromRoom = (room: string): string => `src/${room}/planted.ts`

before(() => {
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-layers-'))
  copyFileSync(join(root, '.biome.json'), join(folder, '.biome.json'))
  const plant = (from: string, to: string): void => {
    mkdirSync(join(folder, dirname(from)), { recursive: true })
    writeFileSync(join(folder, from), `export { x } from '${to}'\n`)
  }
  imports.forEach(([from, to], index) => {
    plant(from.replace(/a\.ts$/, `a${index}.ts`), pathBetween(from, to))
  })
  for (const room of rooms) plant(fromRoom(room), '../room-of-tomorrow/a.ts')
  const lint = spawnSync(
    join(root, 'node_modules/.bin/biome'),
    [...LINT, '--reporter=github', '--max-diagnostics=none', '.'],
    { cwd: folder, encoding: 'utf8' },
  )
  rmSync(folder, { recursive: true })
  for (const [, file = ''] of lint.stdout.matchAll(/file=([^,]+)/g)) {
    refused.add(file.slice(file.indexOf('/src/') + 1))
  }
  assert.ok(refused.size > 0, lint.stdout + lint.stderr)
})

imports.forEach(([from, to, may], index) => {
  test(`${from} ${may ? 'may' : 'may not'} import ${to}`, () => {
    assert.equal(refused.has(from.replace(/a\.ts$/, `a${index}.ts`)), !may)
  })
})

test('no room may import one of tomorrow before somebody opens it', () => {
  assert.deepEqual(
    rooms.filter((room) => !refused.has(fromRoom(room))),
    [],
  )
})
