import { type GatewayResult, HAPROXY, median, type Results } from '../results.ts'
import { ratios, thousands, withSpread } from './figures.ts'
import { targets } from './targets.ts'

/** The figures in Markdown: a table of gateways, and below it what is aimed at and what came of it. */
export function table(results: Results): string {
  const { rounds, node } = results
  return [
    `Node ${node}: medians of ${rounds} interleaved rounds (least–most); processor time is the gateway's own.`,
    '',
    ...gatewayTable(results),
    '',
    ...targetTable(results),
    '',
    ...ownFigures(results).map((line) => `- ${line}`),
    '',
  ].join('\n')
}

function gatewayTable({ gateways, rates }: Results): readonly string[] {
  const heads = [
    '',
    'known token, µs',
    '× HAProxy',
    '× nginx',
    'new token, µs',
    '× HAProxy',
    ...rates.map((rate) => `added at ${thousands(rate)}/s: p50 / p99, ms`),
    'memory before any load, MiB',
  ]
  const floor = gateways[0]
  const haproxy = gateways.find(({ name }) => name === HAPROXY)
  const cells = ({ name, known, fresh, added, idleMiB }: GatewayResult): readonly string[] => [
    name,
    withSpread(known),
    withSpread(ratios(known, haproxy?.known ?? []), 2),
    withSpread(ratios(known, floor?.known ?? []), 2),
    withSpread(fresh),
    withSpread(ratios(fresh, haproxy?.fresh ?? []), 2),
    ...rates.map((_, i) => latency(added[i] ?? [])),
    idleMiB.toFixed(0),
  ]
  return [row(heads), rule(heads.length), ...gateways.map((gateway) => row(cells(gateway)))]
}

function targetTable(results: Results): readonly string[] {
  const heads = ['rolecall', 'aimed at', 'measured', 'measured ÷ aimed at']
  const rows = targets(results).map(({ what, most, unit, digits, found }) => [
    what,
    `≤ ${most} ${unit}`,
    `${withSpread(found, digits)} ${unit}`,
    (median(found) / most).toFixed(2),
  ])
  return [row(heads), rule(heads.length), ...rows.map(row)]
}

function ownFigures({ flat, crowd, streams }: Results): readonly string[] {
  const lines: string[] = []
  if (streams) {
    const { among, alone } = streams
    lines.push(`A call among idle streams: ${withSpread(among)} µs, alone ${withSpread(alone)}.`)
  }
  if (flat) {
    const [tokens, resources] = [flat.tokens, flat.resources].map((points) =>
      points
        .map(({ count, cpu, mib }) => {
          return `${thousands(count)}: ${withSpread(cpu)} µs at ${mib.toFixed(0)} MiB`
        })
        .join('; '),
    )
    lines.push(`A call by how many known tokens take turns: ${tokens}.`)
    lines.push(`A call by how many resources are served: ${resources}.`)
  }
  if (crowd) {
    const [alone, among] = [crowd.alone, crowd.among].map((runs) =>
      withSpread(
        runs.map(({ p99 }) => p99),
        2,
      ),
    )
    lines.push(
      `The p99 of ${thousands(crowd.rate)} calls a second with a known token: ${alone} ms; while ${crowd.newPerSecond} new tokens a second arrive: ${among} ms.`,
    )
  }
  return lines
}

function latency(runs: readonly { readonly p50: number; readonly p99: number }[]): string {
  if (runs.length === 0) return '–'
  const p50 = median(runs.map((run) => run.p50)).toFixed(2)
  const p99 = withSpread(
    runs.map((run) => run.p99),
    2,
  )
  return `${p50} / ${p99}`
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function rule(columns: number): string {
  return row(Array.from({ length: columns }, (_, i) => (i === 0 ? '---' : '---:')))
}
