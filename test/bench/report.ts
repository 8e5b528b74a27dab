/** What was measured of one gateway. */
export interface Row {
  readonly name: string
  /** Processor time for a call with a token seen before, microseconds, one for each round. */
  readonly known: readonly number[]
  /** The same for a token never seen; none where nothing looks at tokens. */
  readonly fresh: readonly number[]
  /** What it adds to calls at each rate, milliseconds. */
  readonly added: readonly { readonly p50: number; readonly p99: number }[]
  readonly rssMiB: number
  readonly readyMs?: number
  readonly streamKiB?: number
  /** A call's cost among idle streams, by its cost alone. */
  readonly amongStreams?: number
}

export interface Circumstances {
  readonly rounds: number
  readonly rates: readonly number[]
  readonly streams: number
}

/** The one that ratios are told by. */
const MEASURE = 'HAProxy, jwt_verify each time'

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The figures as a table in Markdown. */
export function table(rows: readonly Row[], { rounds, rates, streams }: Circumstances): string {
  const base = median(rows.find(({ name }) => name === MEASURE)?.known ?? [])
  const floor = median(rows[0]?.known ?? [])
  const freshBase = median(rows.find(({ name }) => name === MEASURE)?.fresh ?? [])
  const heads = ['', 'known token µs', '× HAProxy', '× nginx', 'new token µs', '× HAProxy']
  const rateHeads = rates.map((rate) => `added p50 / p99 ms at ${rate}/s`)
  const lines = rows.map(({ name, known, fresh, added, rssMiB, readyMs }) => [
    name,
    withSpread(known),
    ratio(median(known), base),
    ratio(median(known), floor),
    fresh.length === 0 ? '–' : withSpread(fresh),
    fresh.length === 0 ? '–' : ratio(median(fresh), freshBase),
    ...added.map(({ p50, p99 }) => `${p50.toFixed(2)} / ${p99.toFixed(2)}`),
    rssMiB.toFixed(0),
    readyMs === undefined ? '–' : (readyMs / 1000).toFixed(2),
  ])
  const own = rows.find(({ streamKiB }) => streamKiB !== undefined)
  return [
    `Node ${process.version}, medians of ${rounds} interleaved rounds (least to most), processor time of the gateway alone.`,
    '',
    row([...heads, ...rateHeads, 'idle RSS MiB', 'ready s']),
    row([...heads, ...rateHeads, '', ''].map((_, i) => (i === 0 ? '---' : '---:'))),
    ...lines.map(row),
    '',
    own
      ? `${streams} idle streams: ${own.streamKiB?.toFixed(1)} KiB each; a call among them costs ${own.amongStreams?.toFixed(2)} of one alone.`
      : '',
  ].join('\n')
}

const SVG = { width: 720, left: 260, bar: 22, gap: 10, top: 40 }

/** Processor time for a call with a known token, as bars. */
export function svg(rows: readonly Row[]): string {
  const most = Math.max(...rows.map(({ known }) => median(known)))
  const height = SVG.top + rows.length * (SVG.bar + SVG.gap) + 10
  const bars = rows.map(({ name, known }, i) => {
    const y = SVG.top + i * (SVG.bar + SVG.gap)
    const width = (median(known) / most) * (SVG.width - SVG.left - 70)
    const colour = name.startsWith('rolecall') ? '#2563eb' : '#94a3b8'
    return `  <text x="${SVG.left - 10}" y="${y + 15}" text-anchor="end">${name}</text>
  <rect x="${SVG.left}" y="${y}" width="${width.toFixed(1)}" height="${SVG.bar}" rx="3" fill="${colour}"/>
  <text x="${(SVG.left + width + 8).toFixed(1)}" y="${y + 15}">${median(known).toFixed(0)} µs</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SVG.width}" height="${height}" viewBox="0 0 ${SVG.width} ${height}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Processor time for a call with a known token">
  <rect width="100%" height="100%" fill="#ffffff"/>
  <text x="10" y="22" font-size="15" font-weight="600">Processor time of a call, token seen before</text>
${bars.join('\n')}
</svg>
`
}

function withSpread(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return `${median(values).toFixed(0)} (${least.toFixed(0)}–${most.toFixed(0)})`
}

function ratio(value: number, base: number): string {
  return (value / base).toFixed(2)
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
