import type { JsonObject } from './json.ts'

/**
 * One member of a JSON object that came off the wire; never one that every object inherits.
 *
 * @returns its value, or `undefined` when the object itself does not have it
 */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** A member that is a string with something in it; anything else is `undefined`. */
export function text(object: JsonObject, name: string): string | undefined {
  const value = member(object, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A member that is a string or an array, as the strings in it; anything else is an empty list. */
export function texts(object: JsonObject, name: string): readonly string[] {
  const value = member(object, name)
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.filter((entry) => typeof entry === 'string').filter((entry) => entry !== '')
}
