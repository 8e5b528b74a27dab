/** A JSON object as it came off the wire: nothing in it is checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a value is what JSON calls an object; an array is none. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The object that a JSON text is (RFC 8259 §4). Of a member that is named twice the last one counts,
 * as in `JSON.parse`.
 *
 * @returns `undefined` for every other text, also for one that is JSON but no object
 */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
