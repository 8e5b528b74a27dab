import { type GatewayResult, HAPROXY, median, type Results, ROLECALL } from '../results.ts'
import { ratios } from './figures.ts'

const WIDTH = 760
const LEFT = 270
const RIGHT = 160
const BAR = 13
const GAP = 14
const TOP = 64
const BOTTOM = 8

/** Colours for light and for dark pages; whoever shows the file says which. */
const STYLE = `
    text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
    .title { font-size: 15px; font-weight: 600; }
    .quiet { fill: #59636e; font-size: 12px; }
    .own { font-weight: 600; }
    .known { fill: #8c959f; } .fresh { fill: #c8d1da; }
    .own-known { fill: #0969da; } .own-fresh { fill: #80b4ee; }
    .spread { stroke: #1f2328; stroke-width: 1.5; opacity: 0.55; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; } .quiet { fill: #9198a1; }
      .known { fill: #7d8590; } .fresh { fill: #444c56; }
      .own-known { fill: #4493f8; } .own-fresh { fill: #1f5fae; }
      .spread { stroke: #e6edf3; }
    }`

interface Bar {
  readonly values: readonly number[]
  readonly kind: string
  readonly top: number
  /** By HAProxy, for the label; none of what is compared with. */
  readonly times: readonly number[]
}

/** Processor time for a call with a known and with a new token, as bars; lines are least to most. */
export function svg({ gateways, rounds, node }: Results): string {
  const most = Math.max(1, ...gateways.flatMap(({ known, fresh }) => [...known, ...fresh]))
  const scale = (WIDTH - LEFT - RIGHT) / most
  const step = 2 * BAR + GAP
  const height = TOP + gateways.length * step + BOTTOM
  const haproxy = gateways.find(({ name }) => name === HAPROXY)
  const rows = gateways.map((gateway, i) => group(gateway, haproxy, { top: TOP + i * step, scale }))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Processor time for a call, microseconds">
  <style>${STYLE}
  </style>
  <text class="title" x="10" y="22">Processor time for a call, µs</text>
  <text class="quiet" x="${WIDTH - 10}" y="22" text-anchor="end">median of ${rounds} interleaved rounds, least to most; one core; Node ${escaped(node)}</text>
  <rect class="own-known" x="${LEFT}" y="36" width="12" height="12" rx="2"/><text class="quiet" x="${LEFT + 18}" y="46">known token</text>
  <rect class="own-fresh" x="${LEFT + 120}" y="36" width="12" height="12" rx="2"/><text class="quiet" x="${LEFT + 138}" y="46">new token</text>
${rows.join('\n')}
</svg>
`
}

function group(
  { name, known, fresh }: GatewayResult,
  haproxy: GatewayResult | undefined,
  { top, scale }: { readonly top: number; readonly scale: number },
): string {
  const isOwn = name.startsWith(ROLECALL)
  const own = isOwn ? 'own-' : ''
  const isCompared = name !== HAPROXY
  const label = `  <text${isOwn ? ' class="own"' : ''} x="${LEFT - 12}" y="${top + BAR + 4}" text-anchor="end">${escaped(name)}</text>`
  const times = (values: readonly number[], of: readonly number[] | undefined) =>
    isCompared ? ratios(values, of ?? []) : []
  const both: readonly Bar[] = [
    { values: known, kind: `${own}known`, top, times: times(known, haproxy?.known) },
    { values: fresh, kind: `${own}fresh`, top: top + BAR, times: times(fresh, haproxy?.fresh) },
  ]
  const drawn = both.filter(({ values }) => values.length > 0).map((one) => bar(one, scale))
  return [label, ...drawn].join('\n')
}

function bar({ values, kind, top, times }: Bar, scale: number): string {
  const at = (value: number) => (LEFT + value * scale).toFixed(1)
  const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)]
  const by = times.length > 0 ? ` (${median(times).toFixed(2)} × HAProxy)` : ''
  const y = top + (BAR - 1) / 2
  return `  <rect class="${kind}" x="${LEFT}" y="${top}" width="${(middle * scale).toFixed(1)}" height="${BAR - 1}" rx="2"/>
  <line class="spread" x1="${at(least)}" y1="${y}" x2="${at(most)}" y2="${y}"/>
  <text class="quiet" x="${(LEFT + most * scale + 6).toFixed(1)}" y="${top + 10}">${middle.toFixed(0)}${by}</text>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
