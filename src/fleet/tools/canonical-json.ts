/**
 * JSON whose text is the same for values that say the same: members in the order of their names. For
 * comparing schemas, not for signing (no RFC 8785 numbers).
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
