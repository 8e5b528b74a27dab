import { formatConfig } from '../../config/format.ts'
import { formatProblems } from '../../config/report/problem.ts'
import { badUsage, type Command } from '../command.ts'
import { configurationFrom, configurationUsage } from '../configuration.ts'
import { fleetInWords } from './fleet-in-words.ts'
import { holmesValues } from './holmes-values.ts'
import { toolRulesInWords } from './tool-rules-in-words.ts'

/** Reads the configuration and tells what it amounts to. Asks nothing of the network. */
export const command: Command = {
  summary: 'read the configuration; print the effective one, or every problem at once',
  usage: `Usage: rolecall check [--config FILE] [flags]

Prints the effective configuration as TOML (secrets masked), its warnings on stderr, and as a comment
which clusters the fleet has and what tool rules let whom do. Where users sign in by rolecall there
follow, as a comment: the values for HolmesGPT, whole, the redirect URIs to register at the identity
provider, and in broker the URLs for clients.
Exit: 0, or 2 with every problem on stderr.

${configurationUsage}`,
  run: async (argv, terminal) => {
    const configuration = configurationFrom(argv, terminal)
    if (configuration === undefined) return badUsage
    terminal.stderr(formatProblems(configuration.warnings, 'warning'))
    terminal.stdout(formatConfig(configuration.config))
    const { config } = configuration
    const inWords = [...fleetInWords(config), ...toolRulesInWords(config), '']
    terminal.stdout(asComment(inWords.length > 1 ? inWords : []))
    terminal.stdout(asComment(holmesValues(config)))
    return 0
  },
}

/** So that the whole stays TOML. */
function asComment(lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return `${lines.map((line) => `# ${line}`.trimEnd()).join('\n')}\n`
}
