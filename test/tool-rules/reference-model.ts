/**
 * What tool rules mean, written a second time and another way, from the documents and not from `src`:
 * a call passes if some rule is met in all of its parts. Slow, with regular expressions and sets.
 */

export interface ModelRule {
  readonly tools?: readonly string[]
  readonly hint?: 'read_only'
  readonly groups?: readonly string[]
  readonly clients?: readonly string[]
}

export interface ModelCall {
  readonly tool: string
  /** `readOnlyHint` of the tool with exactly this name in the server's list; absent: not listed. */
  readonly readOnlyHint?: unknown
  readonly groups: readonly string[]
  readonly clients: readonly string[]
}

export function modelAllows(rules: readonly ModelRule[], call: ModelCall): boolean {
  if (rules.length === 0) return true
  const units = [...call.tool]
  // Control, format, surrogate, private and unassigned characters; white space at an end; length.
  if (call.tool.length < 1 || call.tool.length > 256) return false
  if (units.some((unit) => /^\p{C}$/u.test(unit))) return false
  if (call.tool.trim() !== call.tool) return false
  return rules.some(
    ({ tools = ['*'], hint, groups, clients }) =>
      tools.some((pattern) => expression(pattern).test(call.tool)) &&
      (hint === undefined || call.readOnlyHint === true) &&
      shares(groups, call.groups) &&
      shares(clients, call.clients),
  )
}

function expression(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[^a-z0-9]/gi, escaped))
  return new RegExp(`^${parts.join('[\\s\\S]*')}$`)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function shares(wanted: readonly string[] | undefined, had: readonly string[]): boolean {
  if (wanted === undefined || wanted.length === 0) return true
  return new Set([...wanted, ...had]).size < new Set(wanted).size + new Set(had).size
}
