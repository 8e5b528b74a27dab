import { nearestHint } from '../report/nearest.ts'
import type { Report } from '../report/report.ts'
import {
  rootNode,
  type SchemaNode,
  type Setting,
  type SettingKind,
  settings,
} from '../schema/settings.ts'
import type { Assignment, Path } from './draft.ts'

const prefix = 'ROLECALL__'

/** The environment variable of a setting, with `0` for the number of an item. */
export function environmentName(setting: Setting): string {
  const keys = setting.path.map((key) => (key === '*' ? '0' : key.toUpperCase()))
  return `${prefix}${keys.join('__')}`
}

/**
 * Reads every `ROLECALL__*` variable. Other `ROLECALL_*` are not ours: Kubernetes puts
 * `ROLECALL_PORT=tcp://…` into pods beside a Service of that name.
 */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  report: Report,
): readonly Assignment[] {
  const found: Assignment[] = []
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || text === undefined) continue
    const place = placeOf(name.slice(prefix.length).split('__'))
    if (place === undefined) report.add(unknownName(name))
    else found.push({ path: place.path, value: valueOfText(place.kind, text), label: name })
  }
  refuseListsTwice(found, report)
  return found.toSorted((one, other) => comparePaths(one.path, other.path))
}

/**
 * Turns the text of a flag or an environment variable into what a file would hold. A text that
 * does not fit stays as it is, so that the schema tells what is wrong with it.
 */
export function valueOfText(kind: SettingKind, text: string): unknown {
  if (kind === 'switch' && (text === 'true' || text === 'false')) return text === 'true'
  if (kind === 'number' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (kind !== 'list') return text
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function placeOf(segments: readonly string[]): { path: Path; kind: Setting['kind'] } | undefined {
  const path: (string | number)[] = []
  let node: SchemaNode = rootNode
  for (const segment of segments) {
    const step = stepInto(node, segment)
    if (step === undefined) return undefined
    path.push(step.key)
    node = step.node
  }
  if (node.properties !== undefined || node.items?.properties !== undefined) return undefined
  const written = path.map((key) => (typeof key === 'number' ? '*' : key)).join('.')
  const kind = settings.find((setting) => setting.path.join('.') === written)?.kind ?? 'text'
  return { path, kind }
}

function stepInto(
  node: SchemaNode,
  segment: string,
): { key: string | number; node: SchemaNode } | undefined {
  if (node.items !== undefined) {
    return /^(0|[1-9]\d{0,2})$/.test(segment)
      ? { key: Number(segment), node: node.items }
      : undefined
  }
  if (segment !== segment.toUpperCase()) return undefined
  const key = segment.toLowerCase()
  const properties = node.properties ?? {}
  if (Object.hasOwn(properties, key)) return { key, node: properties[key] ?? {} }
  const free = typeof node.additionalProperties === 'object' && key !== ''
  return free ? { key, node: { type: 'string' } } : undefined
}

function unknownName(name: string) {
  const number = /__(\d+)__/.exec(name)?.[1] ?? '0'
  const known = settings.map((setting) =>
    environmentName(setting).replace('__0__', `__${number}__`),
  )
  const elsewhere = known.find((other) => other.endsWith(`__${name.split('__').at(-1)}`))
  const remedy = elsewhere === undefined ? nearestHint(name, known) : `Did you mean "${elsewhere}"?`
  return { key: name, message: 'is not a setting', remedy }
}

function refuseListsTwice(found: readonly Assignment[], report: Report): void {
  const names = new Set(found.map(({ label }) => label))
  for (const { label } of found) {
    const whole = label.replace(/__\d+$/, '')
    if (whole === label || !names.has(whole)) continue
    report.add({
      key: whole,
      message: `and ${label} set the same list`,
      remedy: 'Give the whole list by commas, or its items by number.',
    })
  }
}

function comparePaths(one: Path, other: Path): number {
  for (const [index, key] of one.entries()) {
    const against = other[index]
    if (against === undefined) return 1
    if (key === against) continue
    if (typeof key === 'number' && typeof against === 'number') return key - against
    return String(key) < String(against) ? -1 : 1
  }
  return one.length - other.length
}
