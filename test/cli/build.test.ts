import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { COMPILED_PROGRAM } from '../environment/program.ts'
import { prepareServe, untilReady } from '../support/fault-process.ts'
import { startEntra } from '../support/gateway.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** As the compiler writes it: no other line ends so, and none begins so. */
const IMPORT = /^(?:import|export|\}).* from '([^'.][^']*)';$/gm

before(() => {
  // `npm test` has built it, and other tests run it now.
  if (process.env[COMPILED_PROGRAM]) return
  execFileSync('bash', ['-c', 'rm -rf dist && npm run -s build'], { cwd: root })
})

test('what is built serves without a loader, with every file that it hands out', async (t) => {
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    program: [join(root, 'dist/cli/rolecall.js')],
    upstream: 'http://127.0.0.1:9/mcp',
    tenantId: entra.tenantId,
    authority: entra.origin,
    identityProvider: { client_id: 'a-client' },
    settings: { sign_in: { mode: 'broker', popup_origins: ['http://localhost:3000'] } },
  })
  const serving = await serve()
  await untilReady(serving)
  const { origin } = new URL(serving.url)
  assert.equal((await fetch(origin)).status, 200)
  const popup = await fetch(`${origin}/oauth/popup.js`)
  assert.equal(await popup.text(), read('src/http/popup/popup.js'))
})

test('what is built uses no package that the image does not have', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object }
  const used = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js'))
    .flatMap((path) => [...read(join('dist', path)).matchAll(IMPORT)])
    .map(([, name = '']) => name)
    .filter((name) => !isBuiltin(name))
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
  assert.deepEqual([...new Set(used)].sort(), Object.keys(dependencies).sort())
})
