import type { Identity } from '../oauth/identity.ts'

/**
 * The beginning of a line, as `createLogger` begins its own.
 *
 * @param now milliseconds since the epoch
 */
export function lineStart(level: 'debug' | 'info', kind: string, now = Date.now()): string {
  return `{"level":"${level}","time":"${isoTime(now)}","kind":"${kind}"`
}

/** A line of its parts: the start, and members. */
export function lineOf(parts: readonly string[]): string {
  let line = ''
  for (const part of parts) line += part // copied once, by the writer, with all others of its block
  return `${line}}\n`
}

/** A member of a line, with the comma before it; nothing for what is not known. */
export function member(name: string, value: string | number | undefined): string {
  return value === undefined ? '' : `,"${name}":${json(value)}`
}

/** Whose token it was; made once for each identity, since many calls have the same. */
export function identityMembers(identity: Identity | undefined): string {
  if (identity === undefined) return ''
  const known = identities.get(identity)
  if (known !== undefined) return known
  const made = membersOf(identity)
  identities.set(identity, made)
  return made
}

/** All members of an object of texts. */
export function membersOf(object: object): string {
  return Object.entries(object)
    .map(([name, value]) => member(name, value))
    .join('')
}

const identities = new WeakMap<Identity, string>()

let lastTime = 0
let lastText = ''

/** The text of a millisecond serves every line in it. */
function isoTime(now: number): string {
  if (now !== lastTime) {
    lastTime = now
    lastText = new Date(now).toISOString()
  }
  return lastText
}

/** What JSON writes as it is, between quotes. */
const plain = /^[\w .:/@|-]{0,200}$/

function json(value: string | number): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  return plain.test(value) ? `"${value}"` : JSON.stringify(value)
}
