import type { TrafficMinute } from '../../observe/recent/traffic.ts'
import { type Html, html } from '../pages/html.ts'

const BAR_WIDTH = 10
const HEIGHT = 100

/** The last hour as bars, a minute each: served below, refused and failed on top. */
export function trafficPicture(minutes: readonly TrafficMinute[]): Html {
  const most = Math.max(1, ...minutes.map(totalOf))
  const width = minutes.length * BAR_WIDTH
  const words = inWords(minutes, most)
  return html`<svg class="bars" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${words}">
${minutes.map((minute, index) => bar(minute, index, most))}</svg>
<p class="soft">${words}</p>`
}

function bar(minute: TrafficMinute, index: number, most: number): Html {
  let below = 0
  const part = (count: number, kind: string): Html | undefined => {
    if (count === 0) return undefined
    const height = Math.max(2, (count / most) * (HEIGHT - 2))
    below += height
    return html`<rect class="${kind}" x="${index * BAR_WIDTH + 1}" y="${round(HEIGHT - below)}" width="${BAR_WIDTH - 2}" height="${round(height)}"/>`
  }
  return html`${part(minute.served, 'served')}${part(minute.refused, 'refused')}${part(minute.failed, 'failed')}`
}

function inWords(minutes: readonly TrafficMinute[], most: number): string {
  const sum = (kind: keyof TrafficMinute) => minutes.reduce((all, minute) => all + minute[kind], 0)
  const [served, refused, failed] = [sum('served'), sum('refused'), sum('failed')]
  if (served + refused + failed === 0) return 'No requests in the last hour.'
  return `In the last hour ${served} served, ${refused} refused, ${failed} failed; at most ${most} in a minute.`
}

function totalOf({ served, refused, failed }: TrafficMinute): number {
  return served + refused + failed
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
