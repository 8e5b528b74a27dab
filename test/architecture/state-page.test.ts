import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const page = read('deploy/state.md')
const [purposes = '', keys = ''] = page.split('\nRedis, ')
const firstColumn = (table: string): readonly string[] =>
  [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name).sort()

/** The texts in a union type of this name. */
function unionOf(path: string, name: string): readonly string[] {
  const declared = new RegExp(`type ${name} =([^/]*?)\\n\\n`).exec(read(path))?.[1] ?? ''
  return [...declared.matchAll(/'([^']+)'/g)].map(([, text = '']) => text).sort()
}

test('deploy/state.md has every purpose that keys are derived for', () => {
  assert.deepEqual(firstColumn(purposes), unionOf('src/sealing/derived-keys.ts', 'Purpose'))
})

test('deploy/state.md has every kind of key in the store', () => {
  const kinds = unionOf('src/sign-in/single-use/store-key.ts', 'Kind').map((kind) => `${kind}:`)
  assert.ok(kinds.length > 0)
  assert.match(read('src/sign-in/sessions/session-ends.ts'), /ENDS_LOG = 'ends'/)
  assert.match(read('src/sign-in/sessions/session-ends.ts'), /`family:\$\{.*`owner:\$\{/s)
  assert.match(read('src/sign-in/sessions/session-index.ts'), /`sessions:\$\{/)
  assert.deepEqual(firstColumn(keys), [...kinds, 'ends', 'family:', 'owner:', 'sessions:'].sort())
  assert.match(read('src/store/redis-connection.ts'), /keyPrefix: 'rolecall:'/)
})

test('every file that deploy/state.md names is there', () => {
  const files = [...page.matchAll(/`((?:[\w-]+\/)+[\w.-]+\.ts)`/g)].map(([, path = '']) => path)
  assert.ok(files.length > 10)
  const missing = files.filter(
    (path) => !['', 'src'].some((base) => existsSync(join(root, base, path))),
  )
  assert.deepEqual(missing, [])
})
