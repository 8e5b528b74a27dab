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

/** A static import, as the bundler writes it. */
const IMPORT = /(?:^|[;}\n])import(?:[\w*{}$, ]+from)?"([^"]+)"/g

before(() => {
  // `npm test` has built it, and other tests run it now.
  if (process.env[COMPILED_PROGRAM]) return
  execFileSync('bash', ['-c', 'npm run -s build'], { cwd: root })
})

test('what is built serves without a loader, with every file that it hands out', async (t) => {
  const entra = await startEntra(t)
  const serve = await prepareServe(t, {
    program: [join(root, 'dist/rolecall.js')],
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

test('what is built has every package in it, and needs none beside it', () => {
  const files = readdirSync(join(root, 'dist')).filter((path) => path.endsWith('.js'))
  const outside = files
    .flatMap((path) => [...read(join('dist', path)).matchAll(IMPORT)])
    .map(([, name = '']) => name)
    .filter((name) => !isBuiltin(name) && !name.startsWith('./'))
  assert.deepEqual([...new Set(outside)], [])
})

/** What is loaded with a file of the bundle: itself, and what it imports at once. */
function loadedWith(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const [, name = ''] of read(join('dist', file)).matchAll(IMPORT)) {
    if (name.startsWith('./')) loadedWith(name.slice(2), seen)
  }
  return seen
}

/** Of each, what would bring it in again: 0.2 to 0.5 MB of code, and as much memory as that twice over. */
const loadedWhenNeeded = [
  '@modelcontextprotocol/',
  '@opentelemetry/sdk-trace-base/',
  'ajv/',
  'fast-json-stringify/index.js',
  'ioredis/',
  'undici/lib/mock/',
  'ws/',
  'zod/v4/locales/de.js',
]

test('serve does not load what its configuration may not need', () => {
  const serve = readdirSync(join(root, 'dist')).find((path) => /^serve-\w+\.js$/.test(path)) ?? ''
  const sources = [...loadedWith(serve)].flatMap((file): readonly string[] => {
    return JSON.parse(read(join('dist', `${file}.map`))).sources
  })
  assert.ok(sources.some((path) => path.includes('node_modules/fastify/')))
  for (const name of loadedWhenNeeded) {
    const found = sources.filter((path) => path.includes(`node_modules/${name}`))
    assert.deepEqual(found, [], `${name} is loaded at the start of serve`)
  }
})

test('of each package in it there is the version and the licence, of ours its text', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object }
  const kept = readdirSync(join(root, 'dist/packages'), { recursive: true, encoding: 'utf8' })
  const manifests = kept.filter((path) => path.endsWith('package.json'))
  const packages = manifests.map((path) => JSON.parse(read(join('dist/packages', path))))
  for (const { name, version, license } of packages) {
    assert.match(`${name} ${version} ${license}`, /^\S+ \d+\.\d+\.\d+\S* \w/)
  }
  for (const name of Object.keys(dependencies)) {
    const isLicence = (path: string): boolean =>
      path.startsWith(`${name}@`) && /licen[cs]e/i.test(path)
    assert.ok(kept.some(isLicence), name)
  }
})
