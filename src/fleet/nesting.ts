/** Far beyond what tools say, and far within what JSON.stringify and schemas can walk through. */
export const MOST_LEVELS = 500

/**
 * Whether a value cannot be handed on: what walks through it by recursion, such as JSON.stringify, would
 * exhaust the stack (denial of service), and that failure look like one of a cluster.
 *
 * @param value parsed JSON
 */
export function isTooDeep(value: unknown, levels = MOST_LEVELS): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((member) => isTooDeep(member, levels - 1))
}
