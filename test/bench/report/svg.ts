import { type GatewayResult, median, type Results } from '../results.ts'
import { isRolecall } from './figures.ts'

const WIDTH = 720
const LEFT = 270
const RIGHT = 90
const BAR = 13
const GAP = 12
const TOP = 62

/** Colours for light and for dark pages; whoever shows the file says which. */
const STYLE = `
    text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
    .title { font-size: 15px; font-weight: 600; }
    .quiet { fill: #59636e; }
    .own { font-weight: 600; }
    .known { fill: #9aa4b0; } .fresh { fill: #cfd6dd; }
    .own-known { fill: #0969da; } .own-fresh { fill: #80b4ee; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; } .quiet { fill: #9198a1; }
      .known { fill: #6e7681; } .fresh { fill: #3d444d; }
      .own-known { fill: #4493f8; } .own-fresh { fill: #1f5fae; }
    }`

/** Processor time for a call with a known and with a new token, as bars. */
export function svg({ gateways }: Results): string {
  const most = Math.max(...gateways.flatMap(({ known, fresh }) => [...known, ...fresh]))
  const scale = (WIDTH - LEFT - RIGHT) / most
  const step = 2 * BAR + GAP
  const height = TOP + gateways.length * step
  const rows = gateways.map((gateway, i) => bars(gateway, TOP + i * step, scale))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Processor time for a call, microseconds">
  <style>${STYLE}
  </style>
  <text class="title" x="10" y="22">Processor time for a call, µs</text>
  <rect class="own-known" x="${LEFT}" y="34" width="12" height="12" rx="2"/><text class="quiet" x="${LEFT + 18}" y="45">known token</text>
  <rect class="own-fresh" x="${LEFT + 120}" y="34" width="12" height="12" rx="2"/><text class="quiet" x="${LEFT + 138}" y="45">new token</text>
${rows.join('\n')}
</svg>
`
}

function bars(gateway: GatewayResult, y: number, scale: number): string {
  const { name, known, fresh } = gateway
  const own = isRolecall(gateway) ? 'own-' : ''
  const label = `  <text${own && ' class="own"'} x="${LEFT - 12}" y="${y + BAR + 4}" text-anchor="end">${name}</text>`
  const both = [
    { values: known, kind: `${own}known`, top: y },
    { values: fresh, kind: `${own}fresh`, top: y + BAR },
  ]
  const drawn = both.filter(({ values }) => values.length > 0).map((one) => bar(one, scale))
  return [label, ...drawn].join('\n')
}

function bar(
  {
    values,
    kind,
    top,
  }: { readonly values: readonly number[]; readonly kind: string; readonly top: number },
  scale: number,
): string {
  const width = median(values) * scale
  return `  <rect class="${kind}" x="${LEFT}" y="${top}" width="${width.toFixed(1)}" height="${BAR - 1}" rx="2"/>
  <text class="quiet" x="${(LEFT + width + 6).toFixed(1)}" y="${top + 11}">${median(values).toFixed(0)}</text>`
}
