import { formatConfig } from '../config/format-config.ts'
import { formatProblems } from '../config/problem.ts'
import { badUsage, type Command } from './command.ts'
import { configurationFrom, configurationUsage } from './options.ts'

/** Reads the configuration and tells what it amounts to. Asks nothing of the network. */
export const command: Command = {
  summary: 'read the configuration; print the effective one, or every problem at once',
  usage: `Usage: rolecall check [--config FILE] [flags]

Prints the effective configuration as TOML (secrets masked), its warnings on stderr.
Exit: 0, or 2 with every problem on stderr.

${configurationUsage}`,
  run: async (argv, terminal) => {
    const configuration = configurationFrom(argv, terminal)
    if (configuration === undefined) return badUsage
    terminal.stderr(formatProblems(configuration.warnings, 'warning'))
    terminal.stdout(formatConfig(configuration.config))
    return 0
  },
}
