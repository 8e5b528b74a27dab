/** The value at a path of field names, or `undefined` where it ends early. */
export function field(object: object, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined,
    object,
  )
}
