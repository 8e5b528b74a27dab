/** The members of a JSON-RPC message and of its parameters by which a call is known. */
const knownNames = ['jsonrpc', 'id', 'method', 'params', 'name', 'arguments'] as const

export type KnownName = (typeof knownNames)[number]

/** The method of MCP that has an effect, and therefore an audit line. */
export const TOOL_CALL = 'tools/call'

/** The method of MCP whose answer has the tools. */
export const TOOL_LIST = 'tools/list'

/** Almost every name that is sent. */
const foldsToItself = /^[a-z0-9_]*$/

const LONGEST_LOOK_ALIKE_CHARACTERS = 64

/**
 * The known name that another parser could take a member's name for, and then call a tool that no
 * audit line names (parser differential). Go's encoding/json folds case, and with it `ſ` and the
 * Kelvin sign; C programs end a name at its first NUL; Java also takes `İ` and `ı` for an `i`; full
 * width and ligatures are folded to be sure.
 *
 * @returns `undefined` for the known names themselves, and for all that look like none
 */
export function lookAlikeOf(name: string): KnownName | undefined {
  if (foldsToItself.test(name)) return undefined
  const folded = fold(name)
  return knownNames.find((known) => known === folded && known !== name)
}

/** Whether another parser could take a member's name for this one, which it is not. */
export function looksLike(name: string, known: string): boolean {
  return !foldsToItself.test(name) && name !== known && fold(name) === known
}

/**
 * Whether a method's name is not that of a tool call, and some servers take it for one: they would make
 * a call that no audit line names. As with members: another case, and what follows a NUL; and spaces.
 */
export function looksLikeToolCall(method: string): boolean {
  return method !== TOOL_CALL && fold(method).trim() === TOOL_CALL
}

/**
 * Whether a method is about tools and neither of the two that tool rules know, also where some servers
 * take it for one of them.
 */
export function isOtherToolMethod(method: string): boolean {
  if (method === TOOL_CALL || method === TOOL_LIST) return false
  return fold(method.slice(0, LONGEST_LOOK_ALIKE_CHARACTERS)).trim().startsWith('tools/')
}

function fold(name: string): string {
  const nul = name.indexOf('\0')
  const text = nul === -1 ? name : name.slice(0, nul)
  if (text.length > LONGEST_LOOK_ALIKE_CHARACTERS) return text
  return text.normalize('NFKC').toUpperCase().toLowerCase().replaceAll('\u0307', '')
}
