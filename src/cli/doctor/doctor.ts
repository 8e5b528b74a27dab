import type { Problem } from '../../config/report/problem.ts'
import { version } from '../../version.ts'
import { takeArguments, UsageError } from '../arguments.ts'
import { badUsage, type Command } from '../command.ts'
import { type Configuration, configurationFrom, configurationUsage } from '../configuration.ts'
import { readToken } from '../explain/token-argument.ts'
import { examineProvider } from './provider.ts'
import { publicUrlCheck } from './public-url.ts'
import { type DoctorCheck, exitCodeOf, reportJson, reportText } from './report.ts'
import { connectionCheck, identityCheck, tokenChecks } from './resource.ts'
import { storeChecks } from './store.ts'

/** Asks everything that rolecall depends on, and says what to do where something is wrong. */
export const command: Command = {
  summary: 'live checks of upstream, identity provider, store and addresses, each with its remedy',
  usage: `Usage: rolecall doctor [--config FILE] [--json] [--token-file FILE]

First of all: does each upstream act as the caller? One read-only tool (probe_tool) is called with a
token that no provider signed and with none; both must fail. No user's token is used for that.
  --json             one JSON document on stdout
  --token-file FILE  judge this token for each resource, too; - is standard input
Exit: 0 all well, 1 something failed, 2 bad configuration or usage, 3 cannot be decided.

${configurationUsage}`,
  async run(argv, terminal) {
    const own = takeArguments(argv, { json: 'switch', 'token-file': 'text' })
    const misused = (message: string): number => {
      terminal.stderr(`${message}\n`)
      return badUsage
    }
    if (own instanceof UsageError) return misused(own.message)
    if (own.positionals.length > 0) return misused('There is an argument that is no flag.')
    const file = own.values['token-file']
    const token = file === undefined ? undefined : await readToken([file], terminal)
    if (token instanceof UsageError) return misused(token.message)
    const configuration = configurationFrom(own.rest, terminal)
    if (configuration === undefined) return badUsage
    const checks = await examine(configuration, token)
    const json = own.values['json'] !== undefined
    terminal.stdout(json ? reportJson(checks, version) : reportText(checks))
    return exitCodeOf(checks)
  },
}

async function examine(
  { config, warnings }: Configuration,
  token: string | undefined,
): Promise<readonly DoctorCheck[]> {
  const { resources } = config
  const { provider, checks, close } = await examineProvider(config)
  const examined = { config, provider }
  try {
    const [identities, connections, addresses, store, tokens] = await Promise.all([
      Promise.all(resources.map((resource) => identityCheck(resource, examined))),
      Promise.all(resources.map((resource) => connectionCheck(resource))),
      Promise.all(resources.map((resource) => publicUrlCheck(resource, config))),
      storeChecks(config),
      token === undefined ? [] : tokenChecks(token, examined),
    ])
    const configured = configurationChecks(warnings)
    const parts = [...connections, ...addresses, ...store]
    return [...identities, ...configured, ...checks, ...parts, ...tokens]
  } finally {
    close()
  }
}

function configurationChecks(warnings: readonly Problem[]): readonly DoctorCheck[] {
  const name = 'configuration'
  if (warnings.length === 0) return [{ name, verdict: 'ok', sentence: 'It has no warnings.' }]
  return warnings.map(({ key, message, remedy }) => {
    return { name, verdict: 'warning', sentence: `${key} ${message}.`, remedy }
  })
}
