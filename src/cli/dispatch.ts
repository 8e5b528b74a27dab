import { nearestHint } from '../config/nearest.ts'
import { version } from '../version.ts'
import { badUsage, type Command, type Terminal } from './command.ts'

/** A command's module, not loaded yet. */
export interface CommandEntry {
  readonly load: () => Promise<{ readonly command: Command }>
  /** Not in the production image. */
  readonly onlyInClone?: boolean
}

export type Commands = Readonly<Record<string, CommandEntry>>

/**
 * Runs the command that the arguments name.
 *
 * @param argv everything after the program's name
 * @returns the exit code; 2 for a command that is not known or not there
 */
export async function dispatch(
  argv: readonly string[],
  terminal: Terminal,
  commands: Commands,
): Promise<number> {
  const [name = '', ...rest] = argv
  if (asksFor(argv, '--version', '-V')) return print(terminal, `rolecall ${version}\n`)
  if (Object.hasOwn(commands, name)) return runCommand(name, rest, terminal, commands)
  const usage = await usageOf(commands)
  if (name === 'help' || asksFor(argv, '--help', '-h')) return print(terminal, usage)
  if (name !== '') {
    const unknown = name.slice(0, 40)
    const hint = nearestHint(unknown, Object.keys(commands))
    terminal.stderr(`"${unknown}" is not a command. ${hint}\n\n`)
  }
  terminal.stderr(usage)
  return badUsage
}

async function runCommand(
  name: string,
  rest: readonly string[],
  terminal: Terminal,
  commands: Commands,
): Promise<number> {
  const entry = commands[name]
  const command = entry && (await loadCommand(entry))
  if (command === undefined) {
    terminal.stderr(`${name} is not in this image; run it from a clone: npm run ${name}\n`)
    return badUsage
  }
  if (asksFor(rest, '--help', '-h')) return print(terminal, command.usage)
  const code = await command.run(rest, terminal)
  if (code === badUsage) terminal.stderr(`See: rolecall ${name} --help\n`)
  return code
}

/** The module, or nothing where the image leaves it or what it needs out. */
async function loadCommand(entry: CommandEntry): Promise<Command | undefined> {
  try {
    return (await entry.load()).command
  } catch (error) {
    const missing =
      error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (entry.onlyInClone === true && missing) return undefined
    throw error
  }
}

async function usageOf(commands: Commands): Promise<string> {
  const lines = await Promise.all(
    Object.entries(commands).map(async ([name, entry]) => {
      const command = await loadCommand(entry)
      return command === undefined ? '' : `  ${name.padEnd(10)} ${command.summary}\n`
    }),
  )
  return `Usage: rolecall <command> [flags]

${lines.join('')}
--help and --version everywhere. Exit codes: 0, 1 as each command says, 2 bad configuration or usage,
3 the identity provider is away, so that nothing could be decided.
`
}

function asksFor(argv: readonly string[], ...names: readonly string[]): boolean {
  const end = argv.indexOf('--')
  const before = end < 0 ? argv : argv.slice(0, end)
  return before.some((argument) => names.includes(argument))
}

function print(terminal: Terminal, text: string): number {
  terminal.stdout(text)
  return 0
}
