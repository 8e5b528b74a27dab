import { likelyHint } from '../config/report/nearest.ts'
import { version } from '../version.ts'
import { badUsage, type Command, type Terminal } from './command.ts'

/** By name, what loads the module of a command. */
export type Commands = Readonly<Record<string, () => Promise<{ readonly command: Command }>>>

/** Commands of a clone (`npm run …`), which are no commands of the installed program. */
const IN_A_CLONE: ReadonlySet<string> = new Set(['demo', 'mock-idp'])

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
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load) return runCommand(`rolecall ${name}`, (await load()).command, { argv: rest, terminal })
  if (IN_A_CLONE.has(name)) {
    terminal.stderr(`${name} belongs to a clone of the repository: npm run ${name}\n`)
    return badUsage
  }
  const usage = await usageOf(commands)
  if (name === 'help' || asksFor(argv, '--help', '-h')) return print(terminal, usage)
  if (name !== '') {
    const unknown = name.slice(0, 40)
    const hint = likelyHint(unknown, Object.keys(commands))
    terminal.stderr(`"${unknown}" is not a command.${hint === undefined ? '' : ` ${hint}`}\n\n`)
  }
  terminal.stderr(usage)
  return badUsage
}

/** Runs one command, or prints its usage where the arguments ask for it. */
export async function runCommand(
  name: string,
  command: Command,
  { argv, terminal }: { readonly argv: readonly string[]; readonly terminal: Terminal },
): Promise<number> {
  if (asksFor(argv, '--help', '-h')) return print(terminal, command.usage)
  const code = await command.run(argv, terminal)
  if (code === badUsage) terminal.stderr(`See: ${name} --help\n`)
  return code
}

async function usageOf(commands: Commands): Promise<string> {
  const lines = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => {
      const { command } = await load()
      return `  ${name.padEnd(10)} ${command.summary}\n`
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
