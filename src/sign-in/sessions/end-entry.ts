import type { SessionEnd } from './ended-sessions.ts'

const FAMILY = /^family ([\w-]{22}) (\d{1,15})$/
const OWNER = /^owner ([\w-]{22}) (\d{1,15}) (\d{1,15})$/

/** An end of sessions as the store's log has it: digests and times, nothing that can be read. */
export function writeEnd(end: SessionEnd): string {
  const until = Math.ceil(end.until)
  if (end.kind === 'family') return `family ${end.family} ${until}`
  return `owner ${end.name} ${Math.ceil(end.before)} ${until}`
}

/** @returns `undefined` for what is none: another version's, or nobody's */
export function readEnd(text: string): SessionEnd | undefined {
  const [, family, familyUntil] = FAMILY.exec(text) ?? []
  if (family !== undefined) return { kind: 'family', family, until: Number(familyUntil) }
  const [, name, before, until] = OWNER.exec(text) ?? []
  if (name === undefined) return undefined
  return { kind: 'owner', name, before: Number(before), until: Number(until) }
}
