import { parseArgs } from 'node:util'
import { nearestHint } from '../config/report/nearest.ts'
import { type Flag, flags } from '../config/sources/flags.ts'

/** Why arguments cannot be understood, in one sentence. Never holds a value: it may be a token. */
export class UsageError {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

/** The flags that a command has beside those of the configuration, by name. */
export type OwnFlags = Readonly<Record<string, 'text' | 'switch'>>

/** What a command takes beside the flags of the configuration. */
export interface CommandArguments {
  /** Texts by the flag's name; a switch is `true`. */
  readonly values: Readonly<Record<string, string>>
  readonly positionals: readonly string[]
  /** What is left for the configuration. */
  readonly rest: readonly string[]
}

/**
 * Takes a command's own flags and its positional arguments out of its arguments.
 *
 * @returns why they cannot be understood; values are never in it, since they may be tokens
 */
export function takeArguments(
  argv: readonly string[],
  own: OwnFlags,
): CommandArguments | UsageError {
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
    const value = textOf(kind, token)
    const name = `--${token.name}`
    if (value === undefined) return new UsageError(`${name} needs a value.`)
    if (Object.hasOwn(values, token.name)) return new UsageError(`${name} is given twice.`)
    values[token.name] = value
    taken.add(token.index)
    if (token.inlineValue === false) taken.add(token.index + 1)
  }
  return { values, positionals, rest: argv.filter((_argument, index) => !taken.has(index)) }
}

/**
 * Reads the flags of the configuration; what no flag is known for is refused. No value is checked.
 *
 * @returns texts by the flag's name; a switch is `true` or what was written, lists are joined by commas
 */
export function readFlagTexts(argv: readonly string[]): Record<string, string> | UsageError {
  const known = new Map(flags.map((flag) => [flag.name, flag]))
  const given: Record<string, string> = {}
  for (const token of tokensOf(argv, {})) {
    if (token.kind === 'positional') return new UsageError('There is an argument that is no flag.')
    if (token.kind === 'option-terminator') continue
    const flag = known.get(token.name)
    if (flag === undefined) return unknownFlag(token.rawName)
    const text = textOf(flag.kind, token)
    const joined = text === undefined ? undefined : joinedTo(given[flag.name], text, flag)
    if (joined === undefined) return new UsageError(`--${flag.name} needs a value.`)
    if (joined instanceof UsageError) return joined
    given[flag.name] = joined
  }
  return given
}

/** A list may be given in parts. */
function joinedTo(before: string | undefined, text: string, flag: Flag): string | UsageError {
  if (before === undefined) return text
  return flag.kind === 'list'
    ? `${before},${text}`
    : new UsageError(`--${flag.name} is given twice.`)
}

function tokensOf(argv: readonly string[], own: OwnFlags) {
  const configuration = flags.map(({ name, kind }: Flag) => [name, kind] as const)
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

interface OptionToken {
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

/** A value that begins with a hyphen is the next flag, unless it stands behind an equals sign. */
function textOf(kind: Flag['kind'], { value, inlineValue }: OptionToken): string | undefined {
  if (kind === 'switch') return value ?? 'true'
  if (value === undefined) return undefined
  return inlineValue === false && value.startsWith('-') && value !== '-' ? undefined : value
}

function unknownFlag(rawName: string): UsageError {
  const known = flags.map(({ name }) => `--${name}`)
  const name = rawName.slice(0, 40)
  return new UsageError(`${name} is not a flag. ${nearestHint(name, known)}`)
}
