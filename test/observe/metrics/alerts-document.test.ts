import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { createMetrics } from '../../../src/observe/metrics/metrics.ts'
import { observeReadings } from '../../../src/observe/metrics/readings.ts'

const deploy = new URL('../../../deploy/', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, deploy), 'utf8')
const PAGE = 'monitoring.md'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: {
    readonly summary: string
    readonly description: string
    readonly look_at: string
    readonly remedy: string
  }
}

const { groups } = parse(read('helm/rolecall/monitoring/alerts.yaml')) as {
  groups: { rules: Alert[] }[]
}
const alerts = groups.flatMap(({ rules }) => rules)

/** Metrics that Prometheus makes of ours by their type. */
const known = knownMetrics().flatMap((name) => [name, `${name}_bucket`])

function knownMetrics(): string[] {
  const metrics = createMetrics('0')
  observeReadings(metrics, {} as Parameters<typeof observeReadings>[1])
  return metrics.registry.getMetricsAsArray().map(({ name }) => name)
}

test('alerts ask for metrics that there are, each with braces, which the chart fills', () => {
  for (const { alert, expr } of alerts) {
    const asked = expr.match(/\brolecall_\w+\{?/g) ?? []
    assert.ok(asked.length > 0, alert)
    for (const name of asked) assert.ok(known.includes(name.replace(/\{$/, '')), `${alert} ${name}`)
    assert.ok(
      asked.every((name) => name.endsWith('{')),
      alert,
    )
  }
})

test('each alert says what it means, three things to look at first, and the remedy', () => {
  for (const { alert, annotations } of alerts) {
    const { summary, description, look_at, remedy } = annotations
    for (const text of [summary, description, remedy]) assert.ok(text.length > 20, alert)
    assert.deepEqual(look_at.match(/^\d\. \S/gm)?.length, 3, alert)
    // Whoever reads it knows metrics by the names of the document.
    for (const [name] of look_at.matchAll(/\brolecall_\w+/g)) assert.ok(known.includes(name), name)
  }
})

test(`${PAGE} has each alert with its text`, () => {
  const sections = alerts.map(
    ({ alert, labels, annotations: { summary, description, look_at, remedy } }) =>
      `### ${alert}\n\n**${summary.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '*$1*')}** (${labels.severity}). ${description}\n\n${look_at.trim()}\n\n${remedy}\n`,
  )
  const text = `${read(PAGE).split('### ')[0]}${sections.join('\n')}`
  if (process.env['UPDATE_SNAPSHOTS']) writeFileSync(new URL(PAGE, deploy), text)
  assert.equal(read(PAGE), text, 'UPDATE_SNAPSHOTS=1')
})

test('dashboards ask for metrics that there are', () => {
  for (const name of ['operator', 'security']) {
    const text = read(`helm/rolecall/monitoring/dashboards/${name}.json`)
    const asked = [...text.matchAll(/\b(rolecall_\w+)\{/g)].map(([, metric = '']) => metric)
    assert.ok(asked.length > 10)
    for (const metric of asked) assert.ok(known.includes(metric), metric)
  }
})
