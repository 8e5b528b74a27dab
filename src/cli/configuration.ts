import type { Config } from '../config/config.ts'
import { load, type Sources } from '../config/load.ts'
import { formatProblems, type Problem } from '../config/report/problem.ts'
import { flags } from '../config/sources/flags.ts'
import { readFlagTexts, UsageError } from './arguments.ts'
import type { Terminal } from './command.ts'

/** The configuration that a command runs with. */
export interface Configuration {
  readonly config: Config
  readonly warnings: readonly Problem[]
  /** To load it again. */
  readonly sources: Sources
}

/** The part of a command's usage that tells the flags of the configuration. */
export const configurationUsage = [
  '  --config FILE    TOML or YAML by its ending (else ROLECALL_CONFIG)',
  '  --upstream URL   the MCP server',
  '  --tenant ID      Entra: the Directory (tenant) ID',
  '  --issuer URL     any other identity provider, by its issuer',
  '  --audience ID    the audience that tokens must be for',
  '',
  'A value comes from flag, environment (ROLECALL__KEY), file, default, in this order.',
  'Further flags, each the setting of this name at the top or of the first resource:',
  ...inColumns(flags.map(({ name }) => `--${name}`)),
  '',
].join('\n')

/**
 * Reads the flags that `serve`, `check` and every command with a configuration share. Nothing is
 * loaded yet, and no value is checked.
 */
export function sourcesFrom(argv: readonly string[], terminal: Terminal): Sources | UsageError {
  const given = readFlagTexts(argv)
  if (given instanceof UsageError) return given
  return {
    flags: given,
    environment: terminal.environment,
    readFile: (path) => terminal.readFile(path),
  }
}

/**
 * Loads the configuration for a command; tells what is wrong on stderr.
 *
 * @returns nothing when the command must end with code 2
 */
export function configurationFrom(
  argv: readonly string[],
  terminal: Terminal,
): Configuration | undefined {
  const sources = sourcesFrom(argv, terminal)
  if (sources instanceof UsageError) {
    terminal.stderr(`${sources.message}\n`)
    return undefined
  }
  const loaded = load(sources)
  if (loaded.kind === 'config') {
    return { config: loaded.config, warnings: loaded.warnings, sources }
  }
  terminal.stderr(formatProblems(loaded.problems, 'error'))
  return undefined
}

function inColumns(names: readonly string[]): string[] {
  const width = Math.max(...names.map((name) => name.length)) + 2
  const perLine = Math.max(1, Math.floor(98 / width))
  const lines: string[] = []
  for (let index = 0; index < names.length; index += perLine) {
    const cells = names.slice(index, index + perLine).map((name) => name.padEnd(width))
    lines.push(`  ${cells.join('').trimEnd()}`)
  }
  return lines
}
