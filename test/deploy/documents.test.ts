import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const PAGES = [
  'deploy/README.md',
  'deploy/operating.md',
  'deploy/monitoring.md',
  'deploy/fleet.md',
  ...readdirSync(join(root, 'deploy/guides')).map((name) => `deploy/guides/${name}`),
]

for (const page of PAGES) {
  test(`${page} names files, scripts and options that are there`, () => {
    const text = read(page)
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      assert.ok(existsSync(join(root, page, '..', target)), target)
    }
    for (const [path] of text.matchAll(/\bdeploy\/[\w./-]+\w/g)) {
      assert.ok(existsSync(join(root, path)), path)
    }
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    for (const [, script = ''] of text.matchAll(/npm run (?:-s )?([\w:]+)/g)) {
      assert.ok(script in scripts, script)
    }
    const usage = read('deploy/entra/register.sh')
    for (const [, line = ''] of text.matchAll(/register\.sh ((?:.*\\\n)*.*)/g)) {
      for (const [option] of line.matchAll(/--[a-z-]+/g))
        assert.ok(usage.includes(`  ${option}`), option)
    }
  })
}

test('the metric that pods are scaled by, and the rule that serves it, are of one that there is', () => {
  const places = ['deploy/operating.md', 'deploy/helm/rolecall/templates/scaling.yaml']
  const named = places.map((place) => /(?:seriesQuery|name): (rolecall_\w+)/.exec(read(place))?.[1])
  const [metric] = named
  assert.deepEqual(
    named,
    places.map(() => metric),
  )
  // Which another test holds to the registry.
  assert.ok(read('deploy/monitoring.md').includes(`\n| \`${metric}\` |`), metric)
})
