import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

const MOST_FILES = 16
const rules = {
  'style/noExcessiveLinesPerFile': { maxLines: 300 },
  'complexity/noExcessiveLinesPerFunction': { maxLines: 60 },
  'suspicious/noExplicitAny': undefined,
  'suspicious/noImportCycles': undefined,
  'performance/noBarrelFile': undefined,
  'style/noDefaultExport': undefined,
} as const

interface Rule {
  readonly level?: string
  readonly options?: unknown
}
type Rules = Readonly<Record<string, Readonly<Record<string, Rule | string>>>>

const lint = JSON.parse(readFileSync(join(root, '.biome.json'), 'utf8')) as {
  linter: { rules: Rules }
  overrides: readonly { includes: readonly string[]; linter: { rules: Rules } }[]
}

test(`no folder of src holds more than ${MOST_FILES} files`, () => {
  const folders = new Map<string, number>()
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) folders.set(entry.parentPath, (folders.get(entry.parentPath) ?? 0) + 1)
  }
  assert.ok(folders.size > 20)
  assert.deepEqual(
    [...folders].filter(([, count]) => count > MOST_FILES),
    [],
  )
})

for (const [name, options] of Object.entries(rules)) {
  test(`the lint has ${name} for all of src`, () => {
    const [group = '', rule = ''] = name.split('/')
    const found = lint.linter.rules[group]?.[rule]
    assert.equal(typeof found === 'string' ? found : found?.level, 'error')
    if (options) assert.deepEqual((found as Rule).options, options)
    const softened = lint.overrides.filter(
      ({ includes, linter }) =>
        linter.rules[group]?.[rule] !== undefined &&
        includes.some((place) => !place.startsWith('test/')),
    )
    assert.deepEqual(softened, [])
  })
}

test('nothing in src is excused from the lint', () => {
  const excused = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .filter((path) => /biome-ignore (?!format:)|@ts-(ignore|expect-error|nocheck)/.test(read(path)))
  assert.deepEqual(excused, [])
})

function read(path: string): string {
  return readFileSync(join(root, 'src', path), 'utf8')
}
