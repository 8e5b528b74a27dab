import { type GatewayResult, HAPROXY, median, type Results, ROLECALL } from '../results.ts'

/** The two that ratios are told by. */
export interface Bases {
  readonly floor: number
  readonly haproxyKnown: number
  readonly haproxyFresh: number
}

export function basesOf({ gateways }: Results): Bases {
  const haproxy = gateways.find(({ name }) => name === HAPROXY)
  return {
    floor: median(gateways[0]?.known ?? []),
    haproxyKnown: median(haproxy?.known ?? []),
    haproxyFresh: median(haproxy?.fresh ?? []),
  }
}

export function isRolecall({ name }: GatewayResult): boolean {
  return name.startsWith(ROLECALL)
}

/** The median, and in brackets least and most. */
export function withSpread(values: readonly number[], digits = 0): string {
  if (values.length === 0) return '–'
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)}–${most.toFixed(digits)})`
}

export function ratio(value: number, base: number): string {
  return Number.isFinite(value / base) ? (value / base).toFixed(2) : '–'
}
