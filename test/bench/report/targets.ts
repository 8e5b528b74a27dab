import { HAPROXY, type Latency, type Results, ROLECALL, SEALED } from '../results.ts'
import { ratios, thousands } from './figures.ts'

/** What is aimed at, and what came of it. */
export interface Target {
  readonly what: string
  readonly most: number
  /** Behind both numbers: `×`, `ms`, `MiB`. */
  readonly unit: string
  readonly digits: number
  /** A value for each round; of what was not measured there is no target. */
  readonly found: readonly number[]
}

/** Fewer streams than this say little of memory: what V8 grows by meanwhile is more than they take. */
const TELLING_STREAMS = 5_000

/** Every target of which this run says something. */
export function targets(results: Results): readonly Target[] {
  const all = [
    ...ofCalls(results),
    ...ofStreams(results),
    ...ofFlatness(results),
    ...ofStart(results),
  ]
  return all.filter(({ found }) => found.length > 0)
}

function ofCalls({ gateways, rates }: Results): readonly Target[] {
  const named = (name: string) => gateways.find((gateway) => gateway.name === name)
  const [floor, haproxy, own, sealed] = [gateways[0], ...[HAPROXY, ROLECALL, SEALED].map(named)]
  const times = (
    what: string,
    most: number,
    values?: readonly number[],
    of?: readonly number[],
  ) => {
    return { what, most, unit: '×', digits: 2, found: ratios(values ?? [], of ?? []) }
  }
  const fastest = rates.length - 1
  return [
    times('known token, by HAProxy', 1.2, own?.known, haproxy?.known),
    times('known token, by nginx', 3, own?.known, floor?.known),
    times('known sealed token, by HAProxy', 1.2, sealed?.known, haproxy?.known),
    times('known sealed token, by nginx', 3, sealed?.known, floor?.known),
    times('new token, by HAProxy', 2, own?.fresh, haproxy?.fresh),
    times(
      `p99 added at ${thousands(rates[fastest] ?? 0)}/s, by HAProxy`,
      1.2,
      own?.added[fastest]?.map(p99),
      haproxy?.added[fastest]?.map(p99),
    ),
  ]
}

function ofStreams({ streams }: Results): readonly Target[] {
  if (!streams) return []
  const { count, kibEach, among, alone } = streams
  const little = count < TELLING_STREAMS ? ' (too few to tell)' : ''
  const name = `${thousands(count)} idle streams`
  return [
    { what: `${name}, each${little}`, most: 25, unit: 'KiB', digits: 1, found: [kibEach] },
    {
      what: `a call among ${name}, by one alone`,
      most: 1.2,
      unit: '×',
      digits: 2,
      found: ratios(among, alone),
    },
  ]
}

/** "Flat" has no number of its own: what a call among streams may cost. */
function ofFlatness({ flat }: Results): readonly Target[] {
  return [flat?.tokens, flat?.resources].flatMap((points = [], i) => {
    const [first, last] = [points[0], points.at(-1)]
    if (!first || !last || first === last) return []
    const noun = i === 0 ? 'known tokens' : 'resources'
    const what = `a call by ${thousands(last.count)} ${noun}, by one of ${thousands(first.count)}`
    return [{ what, most: 1.2, unit: '×', digits: 2, found: ratios(last.cpu, first.cpu) }]
  })
}

function ofStart({ start }: Results): readonly Target[] {
  if (!start) return []
  return [
    { what: 'start to ready', most: 500, unit: 'ms', digits: 0, found: start.readyMs },
    { what: 'idle', most: 90, unit: 'MiB', digits: 0, found: start.idleMiB },
  ]
}

function p99(latency: Latency): number {
  return latency.p99
}
