type ReadOnly<T> = T extends readonly (infer Item)[]
  ? readonly ReadOnly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: ReadOnly<Exclude<T[Key], undefined>> }
    : T

/**
 * A table of the settings as the effective configuration holds it: read-only, without keys that
 * have no value, and without `x_file`, since files have been read.
 */
export type Values<T> = ReadOnly<{
  [Key in keyof T as Key extends `${string}_file` ? never : Key]: T[Key]
}>

/** The values of a table. Nested tables are left as they are. */
export function valuesOf<T extends object>(table: T): Values<T> {
  const kept = Object.entries(table).filter(([key]) => !key.endsWith('_file'))
  return withoutUndefined(Object.fromEntries(kept)) as Values<T>
}

/** A copy without the keys whose value is `undefined`, as exact optional properties want it. */
export function withoutUndefined<T extends object>(
  table: T,
): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const kept = Object.entries(table).filter(([, value]) => value !== undefined)
  return Object.fromEntries(kept) as { [Key in keyof T]: Exclude<T[Key], undefined> }
}
