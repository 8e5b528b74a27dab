import { median } from '../results.ts'

/** The median, and in brackets least and most. */
export function withSpread(values: readonly number[], digits = 0): string {
  if (values.length === 0) return '–'
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const middle = median(values).toFixed(digits)
  if (least.toFixed(digits) === most.toFixed(digits)) return middle
  return `${middle} (${least.toFixed(digits)}–${most.toFixed(digits)})`
}

/** The ratio of each round's values, which were measured one after the other. */
export function ratios(values: readonly number[], bases: readonly number[]): readonly number[] {
  const pairs = values.slice(0, bases.length)
  return pairs.map((value, i) => value / (bases[i] ?? Number.NaN)).filter(Number.isFinite)
}

export function thousands(value: number): string {
  return value.toLocaleString('en-US')
}
