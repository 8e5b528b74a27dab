import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createMetrics, observeReadings } from '../../src/observe/metrics.ts'
import { withHelm } from './support/availability.ts'
import { renderChart } from './support/helm.ts'
import { objectOf, specOf } from './support/objects.ts'
import { filledPreset } from './support/presets.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const OPERATING = 'deploy/operating.md'

const PAGES = [
  'deploy/README.md',
  OPERATING,
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

/** A table under its heading, as the code has it; with UPDATE_SNAPSHOTS it is written. */
function assertTable(heading: string, rows: readonly (readonly string[])[]): void {
  const text = read(OPERATING)
  const table = rows.map((row) => `| ${row.join(' | ')} |\n`).join('')
  const there = new RegExp(`(^## ${heading}\n[\\s\\S]*?\\|---\\|\n)((?:\\|.*\n)*)`, 'm')
  const made = text.replace(there, (_all, before: string) => `${before}${table}`)
  if (process.env['UPDATE_SNAPSHOTS']) writeFileSync(join(root, OPERATING), made)
  assert.equal(text.match(there)?.[2], table, 'UPDATE_SNAPSHOTS=1 npm run test:deploy')
}

interface Metric {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
}

test(`the metrics in ${OPERATING} are those that there are`, () => {
  const metrics = createMetrics('0')
  // Asked only when somebody reads them.
  observeReadings(metrics, {} as Parameters<typeof observeReadings>[1])
  const own = metrics.registry
    .getMetricsAsArray()
    .map((metric) => metric as unknown as Metric)
    .filter(({ name }) => name.startsWith('rolecall_'))
  assert.ok(own.length > 12)
  assertTable(
    'Metrics',
    own.map(({ name, labelNames, help }) => [`\`${name}\``, labelNames.join(', '), help]),
  )
})

interface Alert {
  readonly alert: string
  readonly annotations: { readonly summary: string }
}

withHelm(`the alerts in ${OPERATING}`, () => {
  test(`the alerts in ${OPERATING} are those of the chart`, async () => {
    const values = [
      filledPreset('aks-robusta-relay-secret'),
      JSON.stringify({ prometheusRule: { enabled: true } }),
    ]
    const rule = objectOf((await renderChart({ values })).objects, 'PrometheusRule')
    const [group] = specOf<{ groups: { rules: Alert[] }[] }>(rule).groups ?? []
    assertTable(
      'Alerts',
      (group?.rules ?? []).map(({ alert, annotations }) => [
        `\`${alert}\``,
        annotations.summary.replaceAll('{{ $labels.resource }}', 'a resource'),
      ]),
    )
  })
})
