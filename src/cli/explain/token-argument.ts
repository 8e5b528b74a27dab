import { errorCode } from '../../net/error-code.ts'
import { UsageError } from '../arguments.ts'
import type { Terminal } from '../command.ts'

const hint =
  'A token is never given as an argument, where everybody on this machine can read it: give it on standard input or name a file.'

/** Far beyond `limits.header_bytes`, in which a token must arrive. */
const MOST_CHARACTERS = 262_144

/**
 * Reads the token that a command is about: from standard input (nothing or `-` is named) or a file.
 * White space around it and the word `Bearer` before it are taken off.
 *
 * @returns the token; or why there is none, without a part of what was given
 */
export async function readToken(
  named: readonly string[],
  terminal: Terminal,
): Promise<string | UsageError> {
  const [path = '-'] = named
  // Several words are "Bearer eyJ…" without its quotes.
  if (named.length > 1 || looksLikeToken(path)) return new UsageError(hint)
  const text = await readText(path, terminal)
  return text instanceof UsageError ? text : tokenIn(text)
}

async function readText(path: string, terminal: Terminal): Promise<string | UsageError> {
  if (path === '-') return terminal.readInput()
  try {
    return terminal.readFile(path)
  } catch (error) {
    return new UsageError(`The file of the token cannot be read (${errorCode(error)}). ${hint}`)
  }
}

function looksLikeToken(argument: string): boolean {
  if (/^bearer\b/i.test(argument)) return true
  const jwt = /^[\w-]{8,}\.[\w-]{8,}\.[\w-]*(\.[\w-]+\.[\w-]+)?$/.test(argument)
  return jwt || /^ey[\w-]{10,}/.test(argument) || argument.length > 400
}

function tokenIn(text: string): string | UsageError {
  const token = text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '')
  if (token === '') return new UsageError('There is no token: what was read is empty.')
  if (/\s/.test(token) || token.length > MOST_CHARACTERS) {
    return new UsageError('What was read is not one token; give exactly one, and nothing else.')
  }
  return token
}
