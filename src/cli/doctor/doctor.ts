import { readCertificates } from '../../config/sources/pem.ts'
import { ValueError } from '../../config/value-error.ts'
import { errorCode } from '../../net/error-code.ts'
import { isLoopbackHost } from '../../net/loopback.ts'
import { version } from '../../version.ts'
import { type CommandArguments, takeArguments, UsageError } from '../arguments.ts'
import { badUsage, type Command, type Terminal } from '../command.ts'
import { configurationFrom, configurationUsage } from '../configuration.ts'
import { readToken } from '../explain/token-argument.ts'
import type { ApiServer } from '../given-token/token-checks.ts'
import { examine, type Given } from './examine.ts'
import { progressOn } from './progress.ts'
import { exitCodeOf, reportJson } from './report.ts'
import { reportTable } from './report-table.ts'

/** Asks everything that rolecall depends on, and says what to do where something is wrong. */
export const command: Command = {
  summary: 'live checks of upstream, identity provider, store and addresses, each with its remedy',
  usage: `Usage: rolecall doctor [--config FILE] [--json] [--token-file FILE [--api-server URL]]

Asks by use, not by connection: the credential redeems a made-up code; the authorize endpoint is
asked for the redirect URIs; each upstream's read-only tool (probe_tool) is called with a token that
no provider signed and with none, and both must fail; public_url must lead here. No user's token is
used for any of that. Causes come before what follows from them.
  --json               one JSON document on stdout
  --token-file FILE    judge this token for each resource, too, and hold the names in tool rules against
                       what the MCP server lists to its user; - is standard input
  --api-server URL     and ask the API server there as whom it knows that token (SelfSubjectReview)
  --api-server-ca FILE the authority of its certificate, PEM; default: the system's
Exit: 0 all well, 1 something failed, 2 bad configuration or usage, 3 cannot be decided.

${configurationUsage}`,
  async run(argv, terminal) {
    const own = takeArguments(argv, {
      json: 'switch',
      'token-file': 'text',
      'api-server': 'text',
      'api-server-ca': 'text',
    })
    const given = await givenBy(own, terminal)
    if (given instanceof UsageError || own instanceof UsageError) {
      terminal.stderr(`${given instanceof UsageError ? given.message : ''}\n`)
      return badUsage
    }
    const configuration = configurationFrom(own.rest, terminal)
    if (configuration === undefined) return badUsage
    const progress = progressOn(terminal)
    const checks = await examine(configuration, given, progress).finally(progress.end)
    const json = own.values['json'] !== undefined
    terminal.stdout(
      json ? reportJson(checks, version) : reportTable(checks, terminal.stdoutColumns),
    )
    return exitCodeOf(checks)
  },
}

async function givenBy(
  own: CommandArguments | UsageError,
  terminal: Terminal,
): Promise<Given | UsageError> {
  if (own instanceof UsageError) return own
  if (own.positionals.length > 0) return new UsageError('There is an argument that is no flag.')
  const file = own.values['token-file']
  const apiServer = apiServerBy(own.values, terminal)
  if (apiServer instanceof UsageError) return apiServer
  if (file === undefined) return {}
  const token = await readToken([file], terminal)
  if (token instanceof UsageError) return token
  return { token, ...(apiServer && { apiServer }) }
}

/** A token is shown to what the operator names here, so that plain http is for loopback alone. */
function apiServerBy(
  { 'api-server': url, 'api-server-ca': file, 'token-file': token }: CommandArguments['values'],
  terminal: Terminal,
): ApiServer | undefined | UsageError {
  if (url === undefined) {
    return file === undefined ? undefined : new UsageError('--api-server-ca needs --api-server.')
  }
  if (token === undefined) {
    return new UsageError('--api-server needs --token-file: it is asked about that token.')
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const safe = parsed?.protocol === 'https:' || isLoopbackHost(parsed?.hostname ?? '')
  if (!parsed || !safe || parsed.username !== '' || parsed.pathname !== '/') {
    return new UsageError('--api-server needs an origin such as https://10.0.0.1:443, with https.')
  }
  if (file === undefined) return { url: parsed.origin }
  try {
    const certificateAuthority = terminal.readFile(file)
    if (!(readCertificates(certificateAuthority) instanceof ValueError)) {
      return { url: parsed.origin, certificateAuthority }
    }
    return new UsageError('--api-server-ca needs a PEM file with certificates.')
  } catch (error) {
    return new UsageError(`The file of --api-server-ca cannot be read (${errorCode(error)}).`)
  }
}
