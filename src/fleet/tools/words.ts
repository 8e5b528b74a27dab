import { isHarmless, quoted } from '../../access/policy-words.ts'

/** More names than a model can use are not told. */
const MOST_NAMED = 100

/** Names of tools in a text of ours, without those that would make some clients sign their user out. */
export function toolNames(names: readonly string[]): string {
  const shown = names.filter(isHarmless)
  const more = shown.length > MOST_NAMED ? ', … (tools/list tells all)' : ''
  return `${shown.slice(0, MOST_NAMED).join(', ')}${more}`
}

/** A client's own text in one of ours: short, on one line, and harmless. */
export function inQuotes(text: string): string {
  return `"${quoted(text)}"`
}
