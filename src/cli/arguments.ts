import { parseArgs } from 'node:util'
import { flags } from '../config/sources/flags.ts'
import { UsageError } from './options.ts'

/** What a command takes beside the flags of the configuration. */
export interface OwnArguments {
  /** Texts by the flag's name; a switch is `true`. */
  readonly values: Readonly<Record<string, string>>
  readonly positionals: readonly string[]
  /** What is left for the configuration. */
  readonly rest: readonly string[]
}

/**
 * Takes a command's own flags and its positional arguments out of its arguments. Values are never in
 * an error: they may be tokens.
 *
 * @param own the command's flags, by name
 */
export function takeArguments(
  argv: readonly string[],
  own: Readonly<Record<string, 'text' | 'switch'>>,
): OwnArguments | UsageError {
  const values: Record<string, string> = {}
  const positionals: string[] = []
  const taken = new Set<number>()
  for (const token of tokensOf(argv, own)) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') {
      taken.add(token.index)
      continue
    }
    const kind = own[token.name]
    if (kind === undefined) continue
    const value = kind === 'switch' ? 'true' : textOf(token)
    const name = `--${token.name}`
    if (value === undefined) return new UsageError(`${name} needs a value.`)
    if (Object.hasOwn(values, token.name)) return new UsageError(`${name} is given twice.`)
    values[token.name] = value
    taken.add(token.index)
    if (token.inlineValue === false) taken.add(token.index + 1)
  }
  return { values, positionals, rest: argv.filter((_argument, index) => !taken.has(index)) }
}

function tokensOf(argv: readonly string[], own: Readonly<Record<string, 'text' | 'switch'>>) {
  const configuration = flags.map(({ name, kind }) => [name, kind] as const)
  const options = [...configuration, ...Object.entries(own)].map(([name, kind]) => {
    return [name, { type: kind === 'switch' ? 'boolean' : 'string' }] as const
  })
  return parseArgs({
    args: [...argv],
    options: Object.fromEntries(options),
    strict: false,
    tokens: true,
  }).tokens
}

/** A value that begins with a hyphen is the next flag, unless it stands behind an equals sign. */
function textOf(token: {
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}) {
  const { value, inlineValue } = token
  if (value === undefined || value === '') return undefined
  return inlineValue === false && value.startsWith('-') && value !== '-' ? undefined : value
}
