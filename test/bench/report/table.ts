import { median, type Results } from '../results.ts'
import { type Bases, basesOf, ratio, withSpread } from './figures.ts'

/** The figures in Markdown: a table of gateways, and what concerns rolecall alone below it. */
export function table(results: Results): string {
  const { gateways, rates, rounds, node } = results
  const bases = basesOf(results)
  const heads = [
    '',
    'known token, µs',
    '× HAProxy',
    '× nginx',
    'new token, µs',
    '× HAProxy',
    ...rates.map((rate) => `added at ${rate}/s, p50 / p99 ms`),
    'idle, MiB',
  ]
  return [
    `Node ${node}, medians of ${rounds} interleaved rounds (least–most), processor time of the gateway alone.`,
    '',
    row(heads),
    row(heads.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...gateways.map((gateway) => row(cells(gateway, rates.length, bases))),
    '',
    ...ownFigures(results).map((line) => `- ${line}`),
    '',
  ].join('\n')
}

function cells(
  { name, known, fresh, added, idleMiB }: Results['gateways'][number],
  rates: number,
  bases: Bases,
): readonly string[] {
  const latencies = Array.from({ length: rates }, (_, i) => {
    const latency = added[i]
    return latency ? `${latency.p50.toFixed(2)} / ${latency.p99.toFixed(2)}` : '–'
  })
  return [
    name,
    withSpread(known),
    ratio(median(known), bases.haproxyKnown),
    ratio(median(known), bases.floor),
    withSpread(fresh),
    ratio(median(fresh), bases.haproxyFresh),
    ...latencies,
    idleMiB.toFixed(0),
  ]
}

function ownFigures({ start, streams, flat, crowd }: Results): readonly string[] {
  const lines: string[] = []
  if (start) {
    lines.push(
      `Ready after ${withSpread(start.readyMs)} ms, keys fetched; idle at ${withSpread(start.idleMiB)} MiB.`,
    )
  }
  if (streams) {
    const { count, kibEach, among } = streams
    lines.push(
      `${thousands(count)} idle streams: ${kibEach.toFixed(1)} KiB each; a call among them costs ${among.toFixed(2)} of one alone.`,
    )
  }
  if (flat) {
    const [tokens, resources] = [flat.tokens, flat.resources].map((list) =>
      list.map(({ count, cpu }) => `${thousands(count)}: ${cpu.toFixed(0)}`).join(', '),
    )
    const memory = flat.tokens.at(-1)?.mib.toFixed(0)
    lines.push(
      `µs for a call by how many known tokens take turns: ${tokens} (${memory} MiB then); by how many resources are served: ${resources}.`,
    )
  }
  if (crowd) {
    const { newPerSecond, rate, alone, among } = crowd
    lines.push(
      `While ${newPerSecond} new tokens a second arrive, the p99 of ${thousands(rate)} calls a second with a known one is ${among.p99.toFixed(2)} ms, without them ${alone.p99.toFixed(2)} ms.`,
    )
  }
  return lines
}

function thousands(value: number): string {
  return value.toLocaleString('en-US')
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
