/**
 * Whether a pattern of tool names has this name: `*` stands for any text, also none, and every other
 * character for itself. Case counts. Takes time by the lengths alone, whatever the pattern (ReDoS).
 *
 * Given another pattern in place of a name, whether it has all names that the other has.
 */
export function matchesTool(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return pattern === name
  const last = rest.pop() ?? ''
  if (name.length < first.length + last.length) return false
  if (!name.startsWith(first) || !name.endsWith(last)) return false
  const end = name.length - last.length
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found === -1 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
