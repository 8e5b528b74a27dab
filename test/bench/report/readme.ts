import { readFileSync, writeFileSync } from 'node:fs'
import type { Results } from '../results.ts'
import { svg } from './svg.ts'
import { table } from './table.ts'

const BEGIN = '<!-- npm run bench -- --readme: begin -->'
const END = '<!-- npm run bench -- --readme: end -->'
const README = new URL('../../../README.md', import.meta.url)
const PLOT = new URL('../results.svg', import.meta.url)

/**
 * Puts the figures into the README, between its two marks, and the plot beside the benchmark.
 *
 * @throws Error when the README has no marks
 */
export function fillReadme(results: Results): void {
  const text = readFileSync(README, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`README.md has no ${BEGIN} … ${END}`)
  const image = '![Processor time for a call, by gateway](test/bench/results.svg)'
  const figures = `${BEGIN}\n\n${image}\n\n${table(results)}\n${END}`
  writeFileSync(README, text.slice(0, begin) + figures + text.slice(end + END.length))
  writeFileSync(PLOT, svg(results))
}
