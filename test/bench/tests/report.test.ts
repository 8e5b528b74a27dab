import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ratios, withSpread } from '../report/figures.ts'
import { svg } from '../report/svg.ts'
import { table } from '../report/table.ts'
import { targets } from '../report/targets.ts'
import { HAPROXY, median, type Results, ROLECALL, SEALED } from '../results.ts'

const latency = (p99: number) => ({ p50: p99 / 4, p99 })
const gateway = (name: string, known: number[], fresh: number[], p99: number) => {
  return { name, known, fresh, added: [[latency(p99)], [latency(2 * p99)]], idleMiB: 20 }
}

const results: Results = {
  node: 'v24.0.0',
  rounds: 3,
  rates: [1_000, 2_000],
  gateways: [
    gateway('nginx & friends', [30, 20, 25], [], 0.1),
    gateway(HAPROXY, [60, 50, 70], [60, 60, 60], 0.4),
    gateway(ROLECALL, [90, 60, 70], [240, 120, 180], 0.6),
    gateway(SEALED, [96, 60, 84], [240, 120, 180], 0.6),
  ],
  start: { readyMs: [400, 450, 500], idleMiB: [80, 81, 82] },
  streams: { count: 10_000, kibEach: 20, among: [99, 110], alone: [90, 100] },
  flat: {
    tokens: [
      { count: 1, cpu: [100], mib: 90 },
      { count: 100_000, cpu: [110], mib: 300 },
    ],
    resources: [{ count: 1, cpu: [100], mib: 90 }],
  },
  crowd: { newPerSecond: 500, rate: 1_000, alone: [latency(1)], among: [latency(1.5)] },
}

test('a figure is told with its spread, where there is one', () => {
  assert.equal(withSpread([3, 1, 2]), '2 (1–3)')
  assert.equal(withSpread([1.21, 1.19, 1.2], 1), '1.2')
  assert.equal(withSpread([]), '–')
})

test('a median is the middle, or between two', () => {
  assert.equal(median([9, 1, 2]), 2)
  assert.equal(median([9, 1, 2, 4]), 3)
  assert.ok(Number.isNaN(median([])))
})

test('a ratio is of values of one round', () => {
  assert.deepEqual(ratios([90, 60, 70], [60, 50, 70]), [1.5, 1.2, 1])
  assert.deepEqual(ratios([90, 60], [60]), [1.5])
  assert.deepEqual(ratios([1], []), [])
})

test('every target has what was measured of it', () => {
  const found = targets(results).map(({ what, most, found }) => [what, most, found])
  assert.deepEqual(found.slice(0, 2), [
    ['known token, by HAProxy', 1.2, [1.5, 1.2, 1]],
    ['known token, by nginx', 3, [3, 3, 2.8]],
  ])
  assert.deepEqual(found.slice(4), [
    ['new token, by HAProxy', 2, [4, 2, 3]],
    ['p99 added at 2,000/s, by HAProxy', 1.2, [1.2 / 0.8]],
    ['10,000 idle streams, each', 25, [20]],
    ['a call among 10,000 idle streams, by one alone', 1.2, [1.1, 1.1]],
    ['a call by 100,000 known tokens, by one of 1', 1.2, [1.1]],
    ['start to ready', 500, [400, 450, 500]],
    ['idle', 90, [80, 81, 82]],
  ])
})

test('few streams are said to say little', () => {
  const streams = { count: 2_000, kibEach: 40, among: [1], alone: [1] }
  const [first] = targets({ ...results, streams }).filter(({ unit }) => unit === 'KiB')
  assert.equal(first?.what, '2,000 idle streams, each (too few to tell)')
})

test('what was not measured is no target, and leaves a table', () => {
  const { start: _, streams: __, flat: ___, crowd: ____, ...bare } = results
  const gateways = bare.gateways.map((one) => ({ ...one, known: [], fresh: [], added: [] }))
  assert.deepEqual(targets({ ...bare, gateways }), [])
  assert.match(
    table({ ...bare, gateways }),
    /\| rolecall \| – \| – \| – \| – \| – \| – \| – \| 20 \|/,
  )
})

test('the table has each gateway, each target, and by how much it was reached', () => {
  const text = table(results)
  assert.match(
    text,
    /\| rolecall \| 70 \(60–90\) \| 1\.20 \(1\.00–1\.50\) \| 3\.00 \(2\.80–3\.00\) \|/,
  )
  assert.match(text, /\| 0\.15 \/ 0\.60 \| 0\.30 \/ 1\.20 \| 20 \|/)
  assert.match(
    text,
    /\| known token, by HAProxy \| ≤ 1\.2 × \| 1\.20 \(1\.00–1\.50\) × \| 1\.00 \|/,
  )
  assert.match(text, /\| idle \| ≤ 90 MiB \| 81 \(80–82\) MiB \| 0\.90 \|/)
  assert.match(text, /100,000: 110 µs at 300 MiB/)
})

test('the plot has a bar for each figure, as long as it is, and no markup of a name', () => {
  const text = svg(results)
  assert.equal(text.match(/<rect class="[a-z-]*known" [^>]*height="1[0-9]"/g)?.length, 5)
  assert.ok(!text.includes('& friends'))
  assert.match(text, /prefers-color-scheme: dark/)
})
