import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { settings } from '../../src/config/schema/settings.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Everything but what reads the settings. */
const source = execFileSync('git', ['ls-files', 'src'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path.endsWith('.ts') && !path.startsWith('src/config/'))
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n')

/** Settings that have had their effect when the configuration is there. */
const ofTheConfiguration: ReadonlySet<string> = new Set([
  'tls_certificate_file',
  'tls_key_file',
  'unsafe_plain_http_upstream',
  'unsafe_upstream_identity',
  'upstream_client_key_file',
  // Warned of: nothing reads them yet.
  'labels',
  'clusters_from',
])

const read = (key: string) => new RegExp(`[.{ ,]${key}\\b(?!\`)`).test(source)

test('a key that parses has an effect: the program reads every setting', () => {
  const keys = settings
    .filter(({ path }) => path[0] !== 'resource_defaults')
    .map(({ path }) => path.at(-1) ?? '')
  const contents = (key: string) => key.replace(/_file$/, '')
  const idle = keys.filter((key) => !ofTheConfiguration.has(key) && !read(key))
  assert.deepEqual(
    idle.filter((key) => key === contents(key) || !read(contents(key))),
    [],
  )
})
