import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { createMetrics } from '../../../src/observe/metrics/metrics.ts'
import { observeReadings } from '../../../src/observe/metrics/readings.ts'
import { startGateway } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'

const page = new URL('../../../deploy/monitoring.md', import.meta.url)

interface Metric {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
}

test('every metric of the document is there, and no other', () => {
  const metrics = createMetrics('0')
  // Asked only when somebody reads them.
  observeReadings(metrics, {} as Parameters<typeof observeReadings>[1])
  const rows = metrics.registry
    .getMetricsAsArray()
    .map((metric) => metric as unknown as Metric)
    .filter(({ name }) => name.startsWith('rolecall_'))
    .map(({ name, labelNames, help }) => `| \`${name}\` | ${labelNames.join(', ')} | ${help} |\n`)
  assert.ok(rows.length > 25)
  const text = readFileSync(page, 'utf8')
  const table = /(^## Metrics\n[\s\S]*?\|---\|\n)((?:\|.*\n)*)/m
  if (process.env['UPDATE_SNAPSHOTS']) {
    writeFileSync(
      page,
      text.replace(table, (_all, before: string) => before + rows.join('')),
    )
  }
  assert.equal(readFileSync(page, 'utf8').match(table)?.[2], rows.join(''), 'UPDATE_SNAPSHOTS=1')
})

test('a running rolecall has the metrics of the document, and no other', async (t) => {
  const gateway = await startGateway(t, { upstream: 'http://127.0.0.1:9/mcp' })
  const { port } = gateway.service.adminAddress
  const { text } = await send(`http://127.0.0.1:${port}/metrics`)
  const served = [...text.matchAll(/^# TYPE (rolecall_\w+)/gm)].map(([, name]) => name)
  const documented = [...readFileSync(page, 'utf8').matchAll(/^\| `(rolecall_\w+)` \|/gm)]
  assert.deepEqual(served.sort(), documented.map(([, name]) => name).sort())
  // What is not known has no value: 0 would be a time long ago, or a store that is away.
  assert.doesNotMatch(text, /^rolecall_store_up/m)
  assert.match(text, /^rolecall_keys_fetched_timestamp_seconds 1\.?\d+/m)
  assert.match(text, /^rolecall_can_decide 1$/m)
  assert.match(text, /^rolecall_limits_reached_total\{limit="calls_per_user"\} 0$/m)
})
